# SPDX-License-Identifier: MIT
# appears.sh - a person's file that comes to a name just as a command makes and
# empties it is kept like any other
. "$(dirname "$0")/lib.sh"
begin
N=300
mkdir "$WS/d"
for i in $(seq 0 $((N - 1))); do echo "precious $i" >"$WS/d/old$i"; done
cp "$(dirname "$0")/appears.py" "$WS"
python3 "$WS/appears.py" move "$WS/d" $N &
in_session python3 appears.py make d $N
mkdir "$WS/d/over"
expect_status 0
wait $!
undo # what was moved to a name that was made stands, and is named as such
for i in $(seq 0 $((N - 1))); do
	[ "$(cat "$WS/d/name$i")" = "precious $i" ] || fail "lost: $i: $(cat "$WS/d/name$i")"
done
