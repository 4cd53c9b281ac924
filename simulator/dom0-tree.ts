import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A stand-in for the files of dom0 that a SLIC setup touches. What is there already stays as it is. */
export function makeDom0Tree(dir: string): void {
  put(join(dir, 'sys/firmware/acpi/tables/SLIC'), slicTable())
  put(join(dir, 'sys/firmware/acpi/tables/MSDM'), msdmTable())
  // Empty: only whether the package with the full stubdomain is there can be seen from them.
  for (const image of ['kernel', 'rootfs']) {
    put(join(dir, `usr/libexec/xen/boot/qemu-stubdom-linux-full-${image}`), Buffer.alloc(0))
  }
  mkdirSync(join(dir, 'etc/qubes/templates/libvirt/xen/by-name'), { recursive: true })
  put(join(dir, 'usr/share/qubes/templates/libvirt/xen.xml'), Buffer.from(XEN_TEMPLATE))
}

function put(file: string, content: Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  try {
    writeFileSync(file, content, { flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

const OEM_ID = 'QSTATE'
const OEM_TABLE_ID = 'SIMULATE'

/** SLIC 2.1 as the OEM Activation specification lays it out; key and signature are filler. */
function slicTable(): Buffer {
  const key = Buffer.alloc(156)
  key.writeUInt32LE(0, 0)
  key.writeUInt32LE(key.length, 4)
  key.writeUInt8(0x06, 8)
  key.writeUInt8(0x02, 9)
  key.writeUInt32LE(0x2400, 12)
  key.write('RSA1', 16, 'latin1')
  key.writeUInt32LE(1024, 20)
  key.writeUInt32LE(65_537, 24)
  key.fill(0xa5, 28)
  const marker = Buffer.alloc(182)
  marker.writeUInt32LE(1, 0)
  marker.writeUInt32LE(marker.length, 4)
  marker.writeUInt32LE(0x0002_0001, 8)
  marker.write(OEM_ID, 12, 'latin1')
  marker.write(OEM_TABLE_ID, 18, 'latin1')
  marker.write('WINDOWS ', 26, 'latin1')
  marker.writeUInt32LE(0x0002_0001, 34)
  marker.fill(0x5a, 54)
  return acpiTable('SLIC', Buffer.concat([key, marker]))
}

/** The text is no product key and looks like none that works. */
function msdmTable(): Buffer {
  const body = Buffer.alloc(20)
  body.writeUInt32LE(1, 0)
  body.writeUInt32LE(1, 8)
  body.writeUInt32LE(29, 16)
  return acpiTable('MSDM', Buffer.concat([body, Buffer.from('FAKE0-FAKE0-FAKE0-FAKE0-FAKE0', 'latin1')]))
}

function acpiTable(signature: string, body: Buffer): Buffer {
  const header = Buffer.alloc(36)
  header.write(signature, 0, 'latin1')
  header.writeUInt32LE(header.length + body.length, 4)
  header.writeUInt8(1, 8)
  header.write(OEM_ID, 10, 'latin1')
  header.write(OEM_TABLE_ID, 16, 'latin1')
  header.writeUInt32LE(1, 24)
  header.write('QSIM', 28, 'latin1')
  header.writeUInt32LE(1, 32)
  const table = Buffer.concat([header, body])
  // All bytes of a table add up to nothing.
  table.writeUInt8((256 - (table.reduce((sum, byte) => sum + byte, 0) % 256)) % 256, 9)
  return table
}

const XEN_TEMPLATE = `{# A stand-in: just enough of a domain for a template that extends it. #}
<domain type="xen">
  {% block basic %}
  <name>{{ vm.name }}</name>
  <uuid>{{ vm.uuid }}</uuid>
  {% endblock %}
  <os>
    {% block os %}
    <type arch="x86_64" machine="xenfv">hvm</type>
    <loader type="rom">hvmloader</loader>
    <boot dev="cdrom" />
    <boot dev="hd" />
    {% endblock %}
  </os>
</domain>
`
