"""Listeners that note who comes, and one that stands between bottle and Docker."""
import os
import socket
import threading
import time

from bottle_host import DOCKER_SOCKET


class Canary(threading.Thread):
    """A listener that counts who comes."""

    def __init__(self, address, port=0):
        super().__init__(daemon=True)
        self.socket = socket.create_server((address, port))
        self.port = self.socket.getsockname()[1]
        self.address = address
        self.hits = 0
        self.bytes = 0
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(2)
            try:
                self.bytes += len(connection.recv(4096))
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\ncanary\n")
            except OSError:
                pass
            self.hits += 1
            connection.close()

    def works(self):
        """Live from the host, a moment before; that visit does not count."""
        with socket.create_connection((self.address, self.port), timeout=5) as connection:
            connection.sendall(b"check\n")
            answered = b"canary" in connection.recv(4096)
        end = time.monotonic() + 5
        while self.hits == 0 and time.monotonic() < end:
            time.sleep(0.05)
        self.hits = 0
        self.bytes = 0
        return answered

    def close(self):
        self.socket.close()


class Recorder(threading.Thread):
    """Between bottle and Docker: notes the first line of every request."""

    def __init__(self):
        super().__init__(daemon=True)
        self.path = "/run/recorder.sock"
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.listen()
        self.requests = []
        self.start()

    def run(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(DOCKER_SOCKET)
            data = client.recv(65536)
            self.requests.append(data.split(b"\r\n", 1)[0].decode())
            engine.sendall(data)
            while block := engine.recv(65536):
                client.sendall(block)
