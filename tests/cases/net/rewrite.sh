#!/bin/bash
# SPDX-License-Identifier: MIT
# connect_redirects with tls.mode rewrite_sni: TLS ends at the proxy, by the CA
# of sandbox.network.tls_inspection (here the operator's, from files), and the
# mirror is told its own name, and verified by it.
. "$(dirname "$0")/lib.sh"
cat "$HERE/policy.yaml" - >"$T/rewrite.yaml" <<-END
	connect_redirects:
	  - name: to-mirror
	    match: '^api\.good\.test:443$'
	    redirect_to: 'www.good.test:443'
	    tls: {mode: rewrite_sni, sni: www.good.test}
	  - name: to-liar
	    match: '^other\.good\.test:443$'
	    redirect_to: 'www.good.test:443'
	    tls: {mode: rewrite_sni, sni: mirror.elsewhere.test}
END
POLICY_FILE=$T/rewrite.yaml
mkdir -p "$T/ca" "$T/net"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj "/CN=our own CA" -addext basicConstraints=critical,CA:TRUE \
	-keyout "$T/ca/key.pem" -out "$T/ca/cert.pem" 2>/dev/null || fail "openssl"
chmod 600 "$T/ca/key.pem"
CONFIG_EXTRA="sandbox:
  network:
    tls_inspection: {enabled: true, ca_cert: $T/ca/cert.pem, ca_key: $T/ca/key.pem}
proxy:
  ca_file: $T/net/ca.pem"
internet
internet() { :; }
session

# the command trusts the operator's CA and not the mirror's own
in_session sh -c 'unset CURL_CA_BUNDLE; curl -sS --cacert '"$T"'/ca/cert.pem https://api.good.test/x'
expect_out "host=api.good.test path=/x"
in_session sh -c 'curl -sSv https://api.good.test/y 2>&1'
expect_out "issuer: CN=our own CA"
expect_out "path=/y"
expect_event '.type == "connect_redirect" and .domain == "api.good.test" and .fields.sni_rewritten == "www.good.test"'
grep -q '^www.good.test$' "$T/net/snis" || fail "the mirror was not told its name"
! grep -q '^api.good.test$' "$T/net/snis" || fail "the mirror was told the old name"
# a mirror that cannot show the name it was told is not spoken to
in_session sh -c 'curl -sS https://other.good.test/z'
[ "$STATUS" != 0 ] || fail "an unverified mirror was used"
# a name that is not the tunnel's is refused as ever
in_session sh -c 'curl -sS --connect-to evil.test:443:api.good.test:443 https://evil.test/'
[ "$STATUS" != 0 ] || fail "another name was let in"
# nobody but us reads the key
in_session cat "$T/ca/key.pem"
[ "$STATUS" != 0 ] || fail "a command may read the CA's key"

# without interception the redirect is done, and the event says what is not
kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
sed -i 's/tls_inspection: {enabled: true/tls_inspection: {enabled: false/' "$T/config.yaml"
start_server
in_session sh -c 'curl -ksS https://api.good.test/plain'
expect_out "path=/plain"
expect_event '.type == "connect_redirect" and .fields.sni_not_rewritten == "www.good.test"'

# files that will not do are named, and no TLS is opened with them
kill "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
sed -i 's/tls_inspection: {enabled: false/tls_inspection: {enabled: true/' "$T/config.yaml"
chmod 644 "$T/ca/key.pem"
start_server
in_session true
expect_event '.type == "llm_proxy_failed" and (.fields.error | contains("chmod 600"))'
