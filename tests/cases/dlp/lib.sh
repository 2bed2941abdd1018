# SPDX-License-Identifier: MIT
# lib.sh - sourced by the scripts here: keys that are made when they are needed
. "$(dirname "$0")/../lib/case.sh"

KEY="sk-""ant-api03-aB3dE5gH7jK9mN1pQ3sT5vX7zA9cD1fG3hJ5kL7"
AWS="AKIA""QYLPMN5HFIQR7XYA"
MAIL="jane.doe@""mail.example.org"
REDACT="dlp:
  redact_output: true"

# expect_clean FILE: none of the keys is in it
expect_clean() {
	! grep -qaF -e "$KEY" -e "$AWS" -e "$MAIL" "$1" ||
		fail "$1 has a secret in it: $(grep -aF -e "$KEY" -e "$AWS" -e "$MAIL" "$1" | head -3)"
}
