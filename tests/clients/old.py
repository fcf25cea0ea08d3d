#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A client that speaks as the Python client of ddlockd does: one connection that is used again, send, recv(1024),
ok at the beginning without regard to case. old.py HOST PORT scenario | contend COUNT, as old.pl."""
import re
import socket
import sys
import time


def encoded(name):
    name = re.sub(rb"[^a-zA-Z0-9_,.\\: -]", lambda m: b"%%%02X" % m.group()[0], name)
    return name.replace(b" ", b"+")


class Client:
    def __init__(self, host, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.connect((host, port))

    def ask(self, verb, name):
        self.sock.send(b"%s lock=%s\r\n" % (verb, encoded(name)))
        return re.search(rb"^ok\b", self.sock.recv(1024), re.I) is not None


def scenario(client):
    for name in (b"plain", b"with blank", b"odd%&=+\n/\\:,", b"\xc3\xa4", b"0"):
        print("got" if client.ask(b"trylock", name) else "not")
        print("twice" if client.ask(b"trylock", name) else "once")
        print("back" if client.ask(b"releaselock", name) else "kept")


def contend(client, count):
    for _ in range(count):
        while not client.ask(b"trylock", b"the sum"):
            time.sleep(0.001)
        with open("sum", encoding="ascii") as file:
            total = int(file.read())
        with open("sum", "w", encoding="ascii") as file:
            file.write(str(total + 1))
        assert client.ask(b"releaselock", b"the sum")


def main():
    client = Client(sys.argv[1], int(sys.argv[2]))
    if sys.argv[3] == "scenario":
        scenario(client)
    else:
        contend(client, int(sys.argv[4]))


main()
