/** A file of a new configuration repository, by its path in it. */
export interface InitFile {
  readonly path: string
  readonly text: string
  readonly executable?: true
}

/** Where in a repository the files go, and what of it is taken. */
export interface InitPlace {
  /** From the root of the repository: `''`, or `machines/`. */
  readonly prefix: string
  readonly hasReadme: boolean
}

/** Files of a repository for a first host of this name. Everything in it validates as it stands. Paths are from where they go. */
export function initFiles(host: string, { prefix, hasReadme }: InitPlace): readonly InitFile[] {
  const root = prefix.replace(/[^/]+/g, '..')
  return [
    { path: hasReadme ? 'QSTATE.md' : 'README.md', text: readme(host, prefix) },
    { path: 'profiles/windows.yaml', text: PROFILES },
    { path: 'devices/devices.yaml', text: DEVICES },
    { path: `hosts/${host}.yaml`, text: hostFile(host) },
    { path: 'check.sh', text: CHECK, executable: true },
    { path: '.githooks/pre-commit', text: HOOK, executable: true },
    { path: `${root}.github/workflows/qstate.yaml`, text: workflow(prefix) },
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
# A host is a file hosts/HOST.yaml or hosts/HOST.yml, or a folder hosts/HOST. Where there is nothing to check, it fails.
set -eu
cd "$(dirname "$0")"
revision=\${1:-HEAD}
has() { git cat-file -e "$revision:./$1" 2>/dev/null; }
# The file of a fleet says which files each host has, and what they lack by themselves.
if has fleet.yaml; then
  exec qstate validate --from-git "$revision" fleet.yaml
fi
# Of the revision, and not of the folder. One name a line, and none of them is a pattern.
entries=$(git -c core.quotePath=false ls-tree --format='%(objectmode) %(path)' "$revision" hosts/)
IFS='
'
set -f
common=
for folder in profiles devices; do
  if has "$folder"; then common="$common$folder$IFS"; fi
done
recorded=$(mktemp)
trap 'rm -f "$recorded"' EXIT
status=0
checked=0
for entry in $entries; do
  path=\${entry#* }
  # As qstate reads a folder: what is hidden is passed over; a link or a submodule may be a folder of YAML, and is refused.
  case $entry in
    */.*) continue ;;
    *.yaml) host=$(basename "$path" .yaml) ;;
    *.yml) host=$(basename "$path" .yml) ;;
    "040000 "* | "120000 "* | "160000 "*) host=$(basename "$path") ;;
    *) continue ;;
  esac
  checked=$((checked + 1))
  echo "== $host"
  if ! qstate validate --from-git "$revision" $common "$path"; then
    status=1
  elif git cat-file blob "$revision:./recorded/$host.json" >"$recorded" 2>/dev/null; then
    if ! qstate plan --from-git "$revision" --host-state "$recorded" $common "$path"; then
      status=1
      echo "$path is valid, and cannot be planned for $host as recorded/$host.json says it was. If that is out of date," >&2
      echo "record it again on $host, and commit that too: qstate record -o recorded/$host.json" >&2
    fi
  fi
done
if [ "$checked" -eq 0 ]; then
  echo "$revision has no host under hosts/, and no fleet.yaml: nothing was checked" >&2
  status=1
fi
exit "$status"
`

const HOOK = `#!/bin/sh
# Keeps out commits that are not valid: what is staged is checked, not what lies in the folder.
# To turn it on: git config core.hooksPath, as the README has it.
"$(dirname "$0")/../check.sh" "$(git write-tree)" && exit 0
echo "The commit was refused: what is staged did not pass the check above." >&2
exit 1
`

const workflow = (
  prefix: string,
): string => `# Checks each push. Set the variable QSTATE_PACKAGE to where your runner finds qstate's .deb.
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
          ./${prefix}check.sh HEAD
`

const readme = (host: string, prefix: string): string => `# Windows qubes of our machines

What is in this repository is what our machines are to be. \`qstate\` makes them so.

    hosts/HOST.yaml       what one machine has; a folder hosts/HOST of several files does as well
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
      paths: [${prefix}profiles, ${prefix}devices, ${prefix}hosts/${host}.yaml]
    verify: { by: ssh, allowedSigners: /etc/qstate/allowed_signers }
    policy: { commits: observe }     # then propose, then apply

## Once in each clone

    git config core.hooksPath ${prefix}.githooks
    git config gpg.format ssh
    git config user.signingKey ~/.ssh/id_ed25519.pub
    git config commit.gpgSign true
`
