# SPDX-License-Identifier: MIT
# undo.sh - what a command destroys in the workspace is kept, out of its reach
. "$(dirname "$0")/lib.sh"

mkdir -p "$WS/d/e"
for f in del over trunc ren1 ren2 d/e/x; do echo "content of $f" >"$WS/$f"; done
head -c 3000000 /dev/urandom >"$WS/large"
sum=$(sha256sum <"$WS/large")

traced bash -c 'rm del; echo new >over; truncate -s 3 trunc; mv ren1 ren2
	rm -r d; : >large; chmod 600 over; echo made >made
	ls -a .agentsh_trash; cat .agentsh_trash/*; rm -rf .agentsh_trash
	mv .agentsh_trash away; ls -d .agentsh_trash'
expect_status 0
expect_no_out content
expect_message '^ready undo on'
expect_event '.type == "file_delete" and (.path | endswith("/del"))'
[ -d "$WS/.agentsh_trash" ] || fail 'the store is gone'
[ ! -e "$WS/del" ] && [ ! -s "$WS/large" ] || fail 'not performed'
n=$(grep -rlF 'content of' "$WS/.agentsh_trash" | wc -l)
[ "$n" -ge 5 ] || { find "$WS/.agentsh_trash"; fail "only $n contents kept"; }
found=
while read -r f; do
	[ "$(sha256sum <"$f")" = "$sum" ] && found=1
done < <(find "$WS/.agentsh_trash" -type f -size +1000k)
[ -n "$found" ] || fail 'large content not kept'
