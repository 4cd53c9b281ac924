/** A file of a new configuration repository, by its path in it. */
export interface InitFile {
  readonly path: string
  readonly text: string
  readonly executable?: true
}

/** Files of a repository for a first host of this name. Everything in it validates as it stands. */
export function initFiles(host: string): readonly InitFile[] {
  return [
    { path: 'README.md', text: readme(host) },
    { path: 'profiles/windows.yaml', text: PROFILES },
    { path: 'devices/devices.yaml', text: DEVICES },
    { path: `hosts/${host}.yaml`, text: hostFile(host) },
    { path: 'check.sh', text: CHECK, executable: true },
    { path: '.githooks/pre-commit', text: HOOK, executable: true },
    { path: '.github/workflows/qstate.yaml', text: WORKFLOW },
  ]
}

const PROFILES = `# What Windows qubes of yours have in common. Built in are hvm, windows-7, windows-10 and windows-11.
apiVersion: qstate/v1

profiles:
  work:
    extends: windows-10
    qube: { memory: 6144 }
`

const DEVICES = `# USB devices by names of your own. \`qstate devices\` prints those that are plugged in, ready to paste.
apiVersion: qstate/v1

devices:
  webcam: { backend: sys-usb, port: "2-1", identity: "046d:085b:ABC12345:u0e0100u0e0200u010100" }
`

const hostFile = (
  host: string,
): string => `# What this machine has. To begin with what is there: qstate import -o hosts/${host}.yaml --force
apiVersion: qstate/v1
name: ${host}   # a qube that is dropped from this file is found by this name

qubes:
  win10-work:
    extends: work
    # usb: { webcam: auto-attach }
`

const CHECK = `#!/bin/sh
# Checks every host as it is in a revision (else in HEAD), and shows its plan where the host has been recorded:
# \`qstate record -o recorded/HOST.json\` on that host, committed like the rest. Where there is a fleet.yaml, checks that fleet.
set -eu
cd "$(git rev-parse --show-toplevel)"
revision=\${1:-HEAD}
# The file of a fleet says which files each host has, and what they lack by themselves.
if git cat-file -e "$revision:fleet.yaml" 2>/dev/null; then
  exec qstate validate --from-git "$revision" fleet.yaml
fi
# Of the revision, and not of the folder. One name a line, and none of them is a pattern.
files=$(git -c core.quotePath=false ls-tree --name-only "$revision" hosts/)
IFS='
'
set -f
recorded=$(mktemp)
trap 'rm -f "$recorded"' EXIT
status=0
checked=0
for file in $files; do
  case $file in *.yaml) checked=$((checked + 1)) ;; *) continue ;; esac
  host=$(basename "$file" .yaml)
  echo "== $host"
  if ! qstate validate --from-git "$revision" profiles devices "$file"; then
    status=1
  elif git cat-file blob "$revision:recorded/$host.json" >"$recorded" 2>/dev/null; then
    qstate plan --from-git "$revision" --host-state "$recorded" profiles devices "$file" || status=1
  fi
done
[ "$checked" -gt 0 ] || echo "there is no hosts/*.yaml in $revision: nothing was checked" >&2
exit "$status"
`

const HOOK = `#!/bin/sh
# Keeps out commits that are not valid: what is staged is checked, not what lies in the folder.
# To turn it on: git config core.hooksPath .githooks
exec ./check.sh "$(git write-tree)"
`

const WORKFLOW = `# Checks each push. Set the variable QSTATE_PACKAGE to where your runner finds qstate's .deb.
name: qstate
on: [push, pull_request]
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Install qstate
        run: sudo apt-get install --yes "$QSTATE_PACKAGE"
        env:
          QSTATE_PACKAGE: \${{ vars.QSTATE_PACKAGE }}
      - name: Validate, and plan for recorded hosts
        # What it prints quotes files of whoever asks for the pull: nothing of that is a command to the runner.
        run: |
          echo "::stop-commands::$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')"
          ./check.sh HEAD
`

const readme = (host: string): string => `# Windows qubes of our machines

What is in this repository is what our machines are to be. \`qstate\` makes them so.

    hosts/HOST.yaml       what one machine has
    profiles/             what several qubes have in common
    devices/              USB devices by name
    recorded/HOST.json    what a machine was like when it was recorded: plans can be shown without it
    fleet.yaml            for many machines: which files each has, and values of its own; it is then what is checked
    check.sh              what the hook and the workflow run

## By hand, on the machine

    qstate plan profiles devices hosts/${host}.yaml
    qstate apply profiles devices hosts/${host}.yaml

## By an agent

Commits that count are signed. On the machine, outside this repository, \`/etc/qstate/agent.yaml\` says whose:

    apiVersion: qstate/v1
    kind: Agent
    source:
      url: ssh://git@example.org/qubes.git
      paths: [profiles, devices, hosts/${host}.yaml]
    verify: { by: ssh, allowedSigners: /etc/qstate/allowed_signers }
    policy: { commits: observe }     # then propose, then apply

## Once in each clone

    git config core.hooksPath .githooks
    git config gpg.format ssh
    git config user.signingKey ~/.ssh/id_ed25519.pub
    git config commit.gpgSign true
`
