#!/bin/sh
# Run once by the postgres image on an empty volume. The owner may make roles and owns the
# database, and is no superuser. The login role is made by the first migration.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$KEMUNING_OWNER_PASSWORD" \
    --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
CREATE ROLE kemuning_owner LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE kemuning OWNER kemuning_owner;
SQL
