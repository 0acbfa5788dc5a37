#!/usr/bin/env bash
# Sends a file of events, prints where each went, then prints the vouchers that come back, one JSON object a line.
#
#   bash exchange.sh FILE [VOUCHERS]    VOUCHERS: how many to wait for; without it nothing is read
set -euo pipefail

file=$1 wanted=${2:-0} within=60 # seconds, for all vouchers
prefix=${NAMESPACE:+$NAMESPACE.}

# In a file that only we can read: among the arguments everyone on the machine would see a password.
KCAT_CONFIG=$(mktemp)
export KCAT_CONFIG
trap 'rm -f "$KCAT_CONFIG"' EXIT
{
    echo "bootstrap.servers=$KAFKA_BOOTSTRAP_SERVERS"
    echo "security.protocol=${KAFKA_SECURITY_PROTOCOL:-PLAINTEXT}"
    [ -z "${KAFKA_SECURITY_CA_FILE:-}" ] || echo "ssl.ca.location=$KAFKA_SECURITY_CA_FILE"
    case ${KAFKA_SECURITY_PROTOCOL:-} in SASL*)
        echo "sasl.mechanism=${KAFKA_SECURITY_MECHANISM:-PLAIN}"
        echo "sasl.username=$KAFKA_SECURITY_USERNAME"
        echo "sasl.password=$KAFKA_SECURITY_PASSWORD" ;;
    esac
} >"$KCAT_CONFIG"

# CloudEvents in the structured form: the value is the whole event. The partitioner is that of Kafka's own clients.
while IFS= read -r line; do
    part() { jq --join-output --compact-output "$1" <<<"$line"; }
    topic=$prefix$(part .topic)
    part .event | kcat -P -vv -t "$topic" -k "$(part .key)" -H content-type=application/cloudevents+json \
        -X topic.partitioner=murmur2_random -X enable.idempotence=true 2>&1 |
        sed "/^% \(Reading\|Setting\)/d; s|^% Message delivered to partition \([0-9]*\) (offset \([0-9]*\)).*|$topic [\1] offset \2: $(part .event.id)|" >&2
done <"$file"

# All vouchers of the companies that are there by now; a voucher's key is its company.
companies=$(jq --slurp --compact-output 'map(.event.data.company // empty) | unique' "$file")
vouchers() {
    kcat -C -q -e -J -o beginning -t "${prefix}intercompany.vouchers" | jq --raw-output --argjson companies "$companies" \
        'select((.headers | index("intercompany.voucher.posted.v1")) and (.key | IN($companies[]))) | .payload'
}

deadline=$((SECONDS + within)) found=()
while [ "${#found[@]}" -lt "$wanted" ]; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "not all vouchers came in time" >&2; exit 1; }
    mapfile -t found < <(vouchers)
done
[ "$wanted" -eq 0 ] || printf '%s\n' "${found[@]:0:wanted}"
