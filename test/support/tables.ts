/** ACPI tables that are well-formed: those that may be given to a guest, and those that are code of its firmware. */

/** A header, some bytes, and the checksum that makes all of it add up to nothing. */
function acpiTable(signature: string, body: Buffer = Buffer.alloc(8)): Buffer {
  const header = Buffer.alloc(36)
  header.write(signature, 0, 'latin1')
  header.writeUInt32LE(header.length + body.length, 4)
  header.writeUInt8(1, 8)
  const table = Buffer.concat([header, body])
  table.writeUInt8((256 - (table.reduce((sum, byte) => sum + byte, 0) % 256)) % 256, 9)
  return table
}

const msdm = Buffer.alloc(20)
msdm.writeUInt32LE(1, 0)

/** What qstate in dom0 and the service of dom0 say of each; null: it is taken. */
export const TABLE_VECTORS: readonly {
  readonly name: string
  readonly bytes: Buffer
  readonly problem: string | null
}[] = [
  { name: 'MSDM', bytes: acpiTable('MSDM', msdm), problem: null },
  ...['SSDT', 'DSDT', 'WPBT', 'FACP', 'XSDT', 'OEM1', 'PRAD'].map((signature) => ({
    name: signature,
    bytes: acpiTable(signature),
    problem: `it is a table ${signature}: only SLIC and MSDM are given to a guest`,
  })),
  {
    name: 'slic in lower case',
    bytes: acpiTable('slic'),
    problem: 'it does not start with the signature of an ACPI table',
  },
]
