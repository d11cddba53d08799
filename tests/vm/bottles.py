"""The bottles that the cases share, and the machine of the user beside them."""
from subject import Bottle
from users_machine import UsersMachine

HELLO = Bottle("hello")
OTHER = Bottle("other")
USERS = UsersMachine()
