#!/bin/bash
# SPDX-License-Identifier: MIT
# Real programs with the variables that a session gives them: what is allowed
# arrives, what is not is refused, each on record. In every mode of capture.
. "$(dirname "$0")/lib.sh"
session
export SSL_CERT_FILE=$T/net/ca.pem GIT_SSL_CAINFO=$T/net/ca.pem
export NODE_EXTRA_CA_CERTS=$T/net/ca.pem NO_UPDATE_NOTIFIER=1

cat >"$WS/Get.java" <<'END'
import java.io.*;
import java.net.*;
public class Get {
	public static void main(String[] a) throws Exception {
		HttpURLConnection c = (HttpURLConnection) new URL(a[0]).openConnection();
		c.setConnectTimeout(60000);
		c.setReadTimeout(60000);
		int code = c.getResponseCode();
		InputStream in = code < 400 ? c.getInputStream() : c.getErrorStream();
		System.out.println(code + " " + new String(in.readAllBytes()));
	}
}
END
cat >"$WS/get.py" <<'END'
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode())
except urllib.error.HTTPError as e:
    print(e.code, e.read().decode())
END
echo 'fetch(process.argv[2]).then(async r => console.log(r.status, await r.text()), e => { console.log("failed", e.cause ?? e); process.exit(1) })' >"$WS/get.mjs"
mkdir -p "$WS/npm" && echo '{"name":"x","version":"1.0.0"}' >"$WS/npm/package.json"

# client NAME PROGRAM ARG...: %s in the arguments is the host
client() {
	local name=$1 words=()
	shift
	command -v "$1" >/dev/null || { echo "left out: $name ($1 is not installed)"; return; }
	words=("${@//%s/good.test}")
	in_session timeout 150 "${words[@]}"
	cat "$T/err" >>"$T/out"
	case $name in
	git | npm) ;; # the server is no repository and no registry
	*) expect_out "path=/via-$name" ;;
	esac
	expect_event ".domain == \"good.test\" and .effective_action == \"allowed\" and (.fields.path // .path // \"\" | tostring | contains(\"via-$name\"))"
	words=("${@//%s/evil.test}")
	in_session timeout 150 "${words[@]}"
	cat "$T/err" >>"$T/out"
	! grep -q "host=evil.test path" "$T/out" || fail "$name reached evil.test"
	expect_event ".domain == \"evil.test\" and .effective_action == \"blocked\""
	echo "driven: $name"
}
client curl curl -sS --max-time 60 http://%s/via-curl
client wget wget -qO- -T60 -t1 http://%s/via-wget
client python python3 get.py http://%s/via-python
client git git -c http.lowSpeedTime=60 ls-remote http://%s/via-git
client npm npm view --prefix npm --cache "$WS/npm/c" --fetch-retries 0 \
	--registry http://%s/via-npm/ some-package
# before 22.21 and 24 node's fetch knows no proxy: it needs names
if command -v node >/dev/null && { [ -z "${UNCLOSED:-}" ] || [[ $UNCLOSED != *names* ]]; }; then
	client node node get.mjs http://%s/via-node
else
	echo "left out: node (without names it needs a version that knows proxies)"
fi
# (without the file in /tmp that it leaves behind)
client java java -XX:-UsePerfData Get.java http://%s/via-java
in_session curl -sS --max-time 60 --cacert "$T/net/ca.pem" https://good.test/via-tls
expect_out "path=/via-tls"
expect_untouched '[0-9]*' 45.33.32.156
