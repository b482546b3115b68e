#!/usr/bin/env bash
# Gives every message back as it is and says on standard error what came by. Needs xxd (Debian: xxd).
#   mirrorball --input-tcp :28020 --middleware ./echo.sh --output-http http://staging:3000
while IFS= read -r line; do
  # The first two lines: kind, id and times; then the request line or status line.
  { read -r kind id _; read -r start; } < <(xxd -r -p <<<"$line" | tr -d '\0\r')
  echo "$kind $id $start" >&2
  printf '%s\n' "$line"
done
