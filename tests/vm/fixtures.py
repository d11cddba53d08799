"""What the bottles of the suite are made of: images and root file systems of busybox alone, and manifests."""
import json
import os
import shutil
import subprocess

from bottle_host import SCRATCH, WORK, request


def set_up():
    """The images and the root file system: busybox, and nothing from outside."""
    for folder in ("bin", "www"):
        os.makedirs(f"{WORK}/web/{folder}", exist_ok=True)
    shutil.copy("/bin/busybox", f"{WORK}/web/bin/busybox")
    for applet in ("httpd", "sh"):
        os.symlink("busybox", f"{WORK}/web/bin/{applet}")
    with open(f"{WORK}/web/www/index.html", "w") as page:
        page.write("from the bundle\n")
    subprocess.run(f"tar -C {WORK}/web -c . | docker import - suite-web:1", shell=True, check=True, stdout=subprocess.DEVNULL)
    make_rootfs(f"{WORK}/rootfs")
    for folder in (SCRATCH, WORK):
        os.chmod(folder, 0o755)


# What somebody's image might have a start run.
DIALLERS = ("init", "sbin/init", "entrypoint.sh", "docker-entrypoint.sh")
# A port beside the proxy's; mode socket has none.
SECOND = """      - name: second
        image: suite-web:1
        command: [httpd, -f, -vv, -p, "9098", -h, /www]
        user: "1000"
        ports: [{name: other, port: 9098}]
        limits: {memory: 64Mi}
"""
# Of the first bundle that bottle makes on a host where nothing else is.
FIRST_ADDRESS = "10.231.0.2"


def make_rootfs(path):
    for folder in ("bin", "etc", "root", "home/node", "tmp", "var/tmp", "proc", "sys", "dev", "sbin"):
        os.makedirs(f"{path}/{folder}")
    shutil.copy("/bin/busybox", f"{path}/bin/busybox")
    for applet in subprocess.check_output(["/bin/busybox", "--list"], text=True).split():
        if applet != "busybox":
            os.symlink("/bin/busybox", f"{path}/bin/{applet}")
    with open(f"{path}/etc/passwd", "w") as file:
        file.write("root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000:node:/home/node:/bin/sh\n")
    with open(f"{path}/etc/group", "w") as file:
        file.write("root:x:0:\nnode:x:1000:\n")
    for program in DIALLERS:
        with open(f"{path}/{program}", "w") as file:
            file.write("#!/bin/sh\n" + request(FIRST_ADDRESS, 9099, "dialled-by-the-image/" + program) + "\n")
        os.chmod(f"{path}/{program}", 0o755)
    # What a start of 1.32.2 runs of an image whose machine has no command of its own.
    with open(f"{path}/config.json", "w") as file:
        json.dump({"config": {"Entrypoint": ["/entrypoint.sh"], "Cmd": ["/init"]}}, file)


def manifest(name, mode="auto", firewall="auto"):
    os.makedirs(WORK, exist_ok=True)
    path = f"{WORK}/{name}.yaml"
    with open(path, "w") as file:
        file.write(f"""apiVersion: bottle/v1
kind: Bottle
metadata: {{name: {name}}}
spec:
  machine:
    image: {{rootfs: rootfs}}
    cpus: 1
    memory: 512Mi
    disk: {{storage: 1Gi, overlay: 1Gi}}
    user: node
  agent:
    command: [sh, -c, "while :; do sleep 5; done"]
  network: {{mode: {mode}, firewall: "{firewall}"}}
  bundle:
    externalNetwork: true
    containers:
      - name: egress
        image: suite-web:1
        command: [httpd, -f, -vv, -p, "9099", -h, /www]
        user: "1000"
        ports: [{{name: proxy, port: 9099}}]
        limits: {{memory: 64Mi}}
""" + ("" if mode == "socket" else SECOND))
    return path
