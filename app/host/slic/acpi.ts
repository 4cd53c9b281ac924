/**
 * ACPI tables, checked before they get anywhere near a guest: Xen walks them by the length in each header without
 * checking it. Format: header of 36 bytes (ACPI specification, "System Description Table Header"): signature (4),
 * length (u32, little endian), revision (1), checksum (1, all bytes sum to 0), OEM id (6), OEM table id (8),
 * OEM revision (4), creator id (4), creator revision (4). SLIC and MSDM: Microsoft, "OEM Activation" 2.0 and 3.0.
 */

export type TableKind = 'SLIC' | 'MSDM'

const HEADER = 36
const MAX_TABLE = 1024 * 1024

/** SLIC: header, OEM public key (type 0, 156 bytes), marker (type 1, 182 bytes). */
const SLIC_LENGTH = 374
const KEY_AT = 36
const MARKER_AT = 192

/** Why a table must not be used, or `undefined` if it is sound. Never quotes contents: MSDM holds a product key. */
export function tableProblem(bytes: Buffer, expected?: TableKind): string | undefined {
  if (bytes.length < HEADER) return `it has ${bytes.length} bytes, and an ACPI header alone has ${HEADER}`
  if (bytes.length > MAX_TABLE) return 'it is larger than 1 MiB'
  const signature = bytes.toString('latin1', 0, 4)
  if (!/^[A-Z0-9]{4}$/.test(signature)) return 'it does not start with the signature of an ACPI table'
  if (expected !== undefined && signature !== expected) return `it is a table ${signature}, not ${expected}`
  // Others (SSDT, DSDT, WPBT) are code that the guest runs.
  if (signature !== 'SLIC' && signature !== 'MSDM')
    return `it is a table ${signature}: only SLIC and MSDM are given to a guest`
  const length = bytes.readUInt32LE(4)
  if (length !== bytes.length) return `its header says ${length} bytes, and it has ${bytes.length}`
  if (sum(bytes) !== 0) return 'its checksum is wrong'
  return signature === 'SLIC' ? slicProblem(bytes) : msdmProblem(bytes)
}

function slicProblem(bytes: Buffer): string | undefined {
  if (bytes.length !== SLIC_LENGTH) return `a SLIC table has ${SLIC_LENGTH} bytes, and it has ${bytes.length}`
  const structure = (at: number): string => `${bytes.readUInt32LE(at)}/${bytes.readUInt32LE(at + 4)}`
  if (structure(KEY_AT) !== '0/156') return 'its OEM public key structure is not where it belongs'
  if (structure(MARKER_AT) !== '1/182') return 'its Windows marker structure is not where it belongs'
  const ids = bytes.subarray(10, 24)
  if (!ids.equals(bytes.subarray(MARKER_AT + 12, MARKER_AT + 26)))
    return 'OEM ids of header and marker differ'
  if (bytes.toString('latin1', MARKER_AT + 26, MARKER_AT + 34) !== 'WINDOWS ')
    return 'its marker lacks the Windows flag'
  return undefined
}

function msdmProblem(bytes: Buffer): string | undefined {
  if (bytes.length < 56) return 'it is too short for an MSDM table'
  const length = bytes.readUInt32LE(52)
  return length === bytes.length - 56 ? undefined : 'the length of its data does not fit its size'
}

/** Several tables as one file: Xen takes them one behind the other, 16 at most. */
export function concatenate(tables: readonly Buffer[]): Buffer {
  if (tables.length > 16) throw new Error('Xen takes 16 tables at most')
  return Buffer.concat(tables)
}

function sum(bytes: Buffer): number {
  let total = 0
  for (const byte of bytes) total = (total + byte) & 0xff
  return total
}
