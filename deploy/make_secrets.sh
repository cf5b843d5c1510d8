#!/bin/sh
# Makes secrets/ for docker-compose.yml; a secret that is there already is left as it is.
# Only who may enter the folder can read them on this machine. In the containers nobody is their owner: hence 0444.
set -eu
cd "$(dirname "$0")/.."
command -v openssl >/dev/null || { echo "openssl is missing" >&2; exit 1; }
mkdir -p -m 0700 secrets

keep() {
  [ -e "secrets/$1" ] || { cat > "secrets/$1" && chmod 0444 "secrets/$1"; }
}
random() {
  head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

random 48 | keep secret_key
random 24 | keep postgres_password
printf 'postgres://classifr:%s@postgres/classifr' "$(cat secrets/postgres_password)" | keep database_url
random 8 | keep reviewer_password
random 8 | keep client_password
random 8 | keep developer_password
printf '' | keep azure_connection_string

# Until a certificate that browsers believe takes its place, with its key.
openssl ecparam -genkey -noout -name prime256v1 | keep tls_key
openssl req -x509 -new -key secrets/tls_key -days 3650 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 | keep tls_certificate
