// Names of USB device classes (usb.ids), by class and by class and subclass, where 4.4 prints one
// in the refusal of a denied interface. Only those a desktop meets.
const NAMES: Readonly<Record<string, string>> = {
  '01': 'Audio',
  '0101': 'Control Device',
  '0102': 'Streaming',
  '0103': 'MIDI Streaming',
  '02': 'Communications',
  '0202': 'Abstract (modem)',
  '0206': 'Ethernet Networking',
  '03': 'Human Interface Device',
  '0301': 'Boot Interface Subclass',
  '06': 'Imaging',
  '0601': 'Still Image Capture',
  '07': 'Printer',
  '0701': 'Printer',
  '08': 'Mass Storage',
  '0801': 'RBC (typically Flash)',
  '0802': 'SFF-8020i, MMC-2 (ATAPI)',
  '0804': 'Floppy (UFI)',
  '0805': 'SFF-8070i',
  '0806': 'SCSI',
  '09': 'Hub',
  '0a': 'CDC Data',
  '0b': 'Chip/SmartCard',
  '0d': 'Content Security',
  '0e': 'Video',
  '0e01': 'Video Control',
  '0e02': 'Video Streaming',
  '0e03': 'Video Interface Collection',
  '0f': 'Personal Healthcare',
  e0: 'Wireless',
  e001: 'Radio Frequency',
  ef: 'Miscellaneous Device',
  fe: 'Application Specific Interface',
}

// A subclass without a name of its own may still have named protocols.
const PROTOCOLS: Readonly<Record<string, string>> = { '030001': 'Keyboard', '030002': 'Mouse' }

/** The name of an interface such as `u080650`. */
export function interfaceName(code: string): string {
  const digits = code.slice(1)
  return NAMES[digits.slice(0, 4)] ?? PROTOCOLS[digits] ?? NAMES[digits.slice(0, 2)] ?? 'USB device'
}
