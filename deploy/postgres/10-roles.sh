#!/bin/sh
# Makes the two roles and the database; the postgres image runs it once, when its volume is empty. By hand, as superuser:
#   PGHOST=… POSTGRES_USER=postgres RLMLAB_OWNER_PASSWORD=… RLMLAB_APP_PASSWORD=… sh 10-roles.sh
set -eu
: "${RLMLAB_OWNER_PASSWORD:?}" "${RLMLAB_APP_PASSWORD:?}"
export RLMLAB_OWNER_PASSWORD RLMLAB_APP_PASSWORD

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner_password RLMLAB_OWNER_PASSWORD
\getenv app_password RLMLAB_APP_PASSWORD
SET password_encryption = 'scram-sha-256';
-- owns the tables: migrations only
CREATE ROLE rlmlab_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
-- what web, worker and beat use: row-level security binds it
CREATE ROLE rlmlab_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'app_password';
CREATE DATABASE rlmlab OWNER rlmlab_owner;
REVOKE ALL ON DATABASE rlmlab FROM PUBLIC;
GRANT CONNECT ON DATABASE rlmlab TO rlmlab_app;
SQL
