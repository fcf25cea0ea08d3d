#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A client as the Python programs of ddlockd's days have it: a plain socket, recv(1024) once for a
reply, names through urllib.

    ddlock.py HOST:PORT shell                   commands on standard input:
        try KEY NAME    `KEY got`, or `KEY refused: ` and the reply
        drop KEY        `KEY dropped`, or `KEY kept: ` and the reply
    ddlock.py HOST:PORT count FILE TIMES NAME
        takes the lock, adds one to the number in FILE, gives the lock back; so many times.
        Fails where somebody else is in between.
"""
import os
import re
import socket
import sys
import time
from urllib.parse import quote


class OldClient:
    def __init__(self, server):
        host, port = server.rsplit(":", 1)
        self.sock = socket.create_connection((host, int(port)), timeout=60)

    def request(self, verb, name):
        self.sock.sendall(("%s lock=%s\r\n" % (verb, quote(name))).encode("ascii"))
        reply = self.sock.recv(1024)  # small replies come whole
        if not reply.endswith(b"\r\n"):
            raise RuntimeError("half a reply: %r" % reply)
        return reply.decode("ascii").rstrip()

    def trylock(self, name):
        reply = self.request("trylock", name)
        return (re.match(r"ok\b", reply, re.I) is not None, reply)

    def release(self, name):
        reply = self.request("releaselock", name)
        return (re.match(r"ok\b", reply, re.I) is not None, reply)


def shell(client):
    held = {}
    for line in sys.stdin:
        words = line.rstrip("\n").split(" ", 2)
        key = words[1]
        if words[0] == "try":
            got, reply = client.trylock(words[2])
            print("%s got" % key if got else "%s refused: %s" % (key, reply), flush=True)
            if got:
                held[key] = words[2]
        elif words[0] == "drop":
            ok, reply = client.release(held.pop(key))
            print("%s dropped" % key if ok else "%s kept: %s" % (key, reply), flush=True)
        else:
            sys.exit("what is %s?" % words[0])


def add_one(path):
    inside = os.open(path + ".inside", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    with open(path) as numbers:
        number = int(numbers.read())
    with open(path, "w") as numbers:
        numbers.write(str(number + 1))
    os.close(inside)
    os.unlink(path + ".inside")


def count(client, path, times, name):
    refused = 0
    while times > 0:
        got, reply = client.trylock(name)
        if not got:
            if reply != "ERR taken":
                sys.exit(reply)
            refused += 1
            time.sleep(0.001)
            continue
        add_one(path)
        ok, reply = client.release(name)
        if not ok:
            sys.exit(reply)
        times -= 1
    print("refused %d" % refused)


def main():
    if len(sys.argv) == 3 and sys.argv[2] == "shell":
        shell(OldClient(sys.argv[1]))
    elif len(sys.argv) == 6 and sys.argv[2] == "count":
        count(OldClient(sys.argv[1]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        sys.exit(__doc__)


main()
