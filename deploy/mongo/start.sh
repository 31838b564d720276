#!/bin/bash
# Starts a replica set member with authentication. The members' shared key arrives as a secret and
# must be a file that only mongod may read; /run/mongo is memory, so it never reaches a disk.
set -euo pipefail
install -m 400 -o mongodb -g mongodb /dev/null /run/mongo/key
printf '%s' "$MONGO_KEYFILE_SECRET" | sha512sum | cut -c1-128 >/run/mongo/key
unset MONGO_KEYFILE_SECRET
exec docker-entrypoint.sh mongod --replSet aimed --keyFile /run/mongo/key --bind_ip_all
