#!/bin/sh
# Installs the SLIC service of qstate in dom0, or with --remove takes it away again. Read it, and qstate.Slic, before you
# run it: what runs in dom0 has the whole machine. Policy is yours to copy: without a line in it nobody may call this.
#
#     sudo sh install.sh [--remove]
#
# DESTDIR is put before every path, for packages and tests.
set -eu
here=$(dirname "$0")
program=${DESTDIR-}/usr/local/libexec/qstate.Slic
services=${DESTDIR-}/etc/qubes-rpc

case ${1-} in
'')
    mkdir -p "$(dirname "$program")" "$services"
    install -m 0755 "$here/qstate.Slic" "$program"
    install -m 0755 "$here/qstate.slic.Get" "$services/qstate.slic.Get"
    ln -sfn qstate.slic.Get "$services/qstate.slic.Set"
    ln -sfn qstate.slic.Get "$services/qstate.slic.Remove"
    ln -sfn qstate.slic.Get "$services/qstate.slic.List"
    echo "Installed. Now a policy: see 30-qstate.policy, or what \`qstate policy\` printed."
    ;;
--remove)
    rm -f "$services/qstate.slic.Get" "$services/qstate.slic.Set" "$services/qstate.slic.Remove" "$services/qstate.slic.List" \
        "$program"
    echo "Removed. Templates of qubes stay: grep -l 'Managed by qstate' /etc/qubes/templates/libvirt/xen/by-name/*"
    ;;
*)
    echo "usage: sh install.sh [--remove]" >&2
    exit 64
    ;;
esac
