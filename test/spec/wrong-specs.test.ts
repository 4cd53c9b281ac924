import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadManifest } from '../../spec/compose/load.ts'

/** One wrong spec, and every line it is answered with: `line:column severity code message — hint`. */
interface WrongSpec {
  readonly reason: string
  readonly yaml: string
  readonly expected: readonly string[]
}

const readTable = (path: string): Buffer | string =>
  path === './oem.bin' ? Buffer.from('table') : 'no such file'

function answer(yaml: string): readonly string[] {
  // The line break after the opening backtick is the table's, not the spec's.
  const text = yaml.replace(/^\n/, '')
  const { manifest, diagnostics } = loadManifest([{ path: 'spec.yaml', text }], { readTable })
  const wrong = diagnostics.some(({ severity }) => severity === 'error')
  assert.equal(manifest === null, wrong, 'an error, and only an error, keeps a spec from being used')
  return diagnostics.map(
    ({ at, severity, code, message, hint }) =>
      `${at.line}:${at.column} ${severity} ${code} ${message} — ${hint}`,
  )
}

const WRONG_SPECS: readonly WrongSpec[] = [
  {
    reason: 'nothing at all is no configuration',
    yaml: `
---
# only a comment
`,
    expected: [
      '1:1 error no-document there is no document here — a manifest starts with "apiVersion: qstate/v1"; `qstate devices` and the examples help with a first one',
    ],
  },
  {
    reason: 'each document says which version it is written for',
    yaml: `
qubes: {}
`,
    expected: [
      '1:1 error missing-key the key "apiVersion" is missing — start each document with "apiVersion: qstate/v1"',
    ],
  },
  {
    reason: 'another version is another language',
    yaml: `
apiVersion: qstate/v2
`,
    expected: [
      '1:13 error bad-value the text "qstate/v2" cannot stand here — did you mean "qstate/v1"? expected qstate/v1',
    ],
  },
  {
    reason: 'a Fleet has a file of its own',
    yaml: `
apiVersion: qstate/v1
kind: Fleet
`,
    expected: [
      '2:7 error other-kind a Fleet is not the state of a host — keep it out of the files of a host; `qstate validate FILE` checks it, with the spec of every host of the fleet',
    ],
  },
  {
    reason: 'a Rollout has a file of its own',
    yaml: `
apiVersion: qstate/v1
kind: Rollout
whatever: 1
`,
    expected: [
      '2:7 error other-kind a Rollout is not the state of a host — keep it out of the files of a host; `qstate validate FILE` checks it, with the spec of every host of the fleet',
    ],
  },
  {
    reason: 'a kind has its nearest word',
    yaml: `
apiVersion: qstate/v1
kind: Qube
`,
    expected: ['2:7 error unknown-kind unknown kind "Qube" — did you mean "Qubes"?'],
  },
  {
    reason: 'a document is a map',
    yaml: `
- apiVersion: qstate/v1
`,
    expected: [
      '1:1 error wrong-type a list cannot stand here — expected a map with apiVersion, and qubes, profiles, devices or select',
    ],
  },
  {
    reason: 'a key of the document has its nearest word',
    yaml: `
apiVersion: qstate/v1
qube: {}
`,
    expected: ['2:1 error unknown-key unknown key "qube" — did you mean "qubes"?'],
  },
  {
    reason: 'a key that other tools use',
    yaml: `
apiVersion: qstate/v1
vms: {}
`,
    expected: ['2:1 error unknown-key unknown key "vms" — write qubes'],
  },
  {
    reason: 'a configuration has one name',
    yaml: `
apiVersion: qstate/v1
name: office
---
apiVersion: qstate/v1
name: lab
`,
    expected: [
      '5:7 error two-names the configuration has another name already — "office" at spec.yaml:2:7; all files together are one configuration',
    ],
  },
  {
    reason: 'an octal-looking name is a number',
    yaml: `
apiVersion: qstate/v1
name: 0755
`,
    expected: [
      '2:7 error wrong-type the number 0755 cannot stand here — expected a name for the configuration; put it in quotes if the text "0755" is meant',
    ],
  },
  {
    reason: 'a name is no path',
    yaml: `
apiVersion: qstate/v1
name: a/b
`,
    expected: [
      '2:7 error bad-name "a/b" is not a configuration name — a letter or digit, then letters, digits, _ . or -, 64 characters at most',
    ],
  },
  {
    reason: 'qubes is a map',
    yaml: `
apiVersion: qstate/v1
qubes: [win]
`,
    expected: [
      '2:8 error wrong-type a list cannot stand here — expected a map of qube names to what they should be',
    ],
  },
  {
    reason: 'a qube with nothing after the colon',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
`,
    expected: [
      '3:3 error no-value there is no value here — expected a map of slic, audio, stubdom, usb, qube, tags, once, drift, restart, ensure and extends, or leave the key out',
    ],
  },
  {
    reason: 'a drift policy is for a setting by its path, and other spellings are answered with it',
    yaml: `
apiVersion: qstate/v1
devices: { webcam: "sys-usb+2-1:*" }
qubes:
  win:
    drift:
      qube.memory: report
      qube/timezone: report
      qube/features/audio-model: report
      qube.features.theme: report
      model: report
      qube/memry: report
      audo: report
      sound: report
      usb/webcm: report
      tags/a b: report
      qube/features/qstate.applied: report
`,
    expected: [
      '6:7 error unknown-setting there is no setting "qube.memory" — write qube/memory',
      '7:7 error unknown-setting there is no setting "qube/timezone" — write qube/features/timezone',
      '8:7 error unknown-setting there is no setting "qube/features/audio-model" — write audio/model',
      '9:7 error unknown-setting there is no setting "qube.features.theme" — write qube/features/theme',
      '10:7 error unknown-setting there is no setting "model" — write audio/model',
      '11:7 error unknown-setting there is no setting "qube/memry" — did you mean qube/memory?',
      '12:7 error unknown-setting there is no setting "audo" — did you mean audio?',
      '13:7 error unknown-setting there is no setting "sound" — expected slic, audio, stubdom, usb, qube, tags or a setting such as audio/model, qube/features/NAME, tags/NAME',
      '14:11 error unknown-device unknown device "webcm" — did you mean "webcam"?',
      '15:7 error bad-name "a b" is not a tag — letters, digits, _ and -, 4096 at most',
      `16:7 error reserved-name the feature "qstate.applied" is qstate's own record — no manifest sets it`,
    ],
  },
  {
    reason: 'a drift policy is one of two words, for one setting once',
    yaml: `
apiVersion: qstate/v1
devices: { webcam: "sys-usb+2-1:*" }
qubes:
  win:
    usb: [webcam]
    stubdom: { qrexec: true }
    drift: { usb/webcam: report, "usb/sys-usb+2-1:*": report, default: corect, audio: { model: report } }
`,
    expected: [
      '7:34 error said-twice "usb/sys-usb+2-1:*" has a drift policy here already — first at spec.yaml:7:14; keep one of them',
      '7:72 error bad-value the text "corect" cannot stand here — did you mean "correct"? expected correct or report',
      '7:87 error wrong-type a map cannot stand here — expected correct or report',
    ],
  },
  {
    reason:
      'a drift policy of a setting that no qube with it sets is of no use; one of a profile is, if one of its qubes sets it',
    yaml: `
apiVersion: qstate/v1
profiles:
  office: { drift: { qube/memory: report, qube/vcpus: report, audio: report } }
qubes:
  a: { extends: office, qube: { memory: 4096 } }
  b: { extends: office, drift: { qube/features/thme: report, default: report } }
`,
    expected: [
      '3:43 warning unused-drift "qube/vcpus" has a drift policy, and no value — qstate notices drift only in what the spec sets; set it, or leave the line out',
      '6:34 warning unused-drift "qube/features/thme" has a drift policy, and no value — qstate notices drift only in what the spec sets; set it, or leave the line out',
    ],
  },
  {
    reason: 'select is a list',
    yaml: `
apiVersion: qstate/v1
select: { match: { tag: windows } }
`,
    expected: ['2:9 error wrong-type a map cannot stand here — expected a list of { match, ... }'],
  },
  {
    reason: 'dom0 is not managed',
    yaml: `
apiVersion: qstate/v1
qubes: { dom0: {} }
`,
    expected: [
      '2:10 error reserved-name dom0 is not managed — qstate manages qubes; their host it leaves alone',
    ],
  },
  {
    reason: 'nor is a stubdomain',
    yaml: `
apiVersion: qstate/v1
qubes: { win-dm: {} }
`,
    expected: ['2:10 error reserved-name "win-dm" is the name of a stubdomain — name the qube, without -dm'],
  },
  {
    reason: 'a word of Qubes is no name',
    yaml: `
apiVersion: qstate/v1
qubes: { none: {}, default: {}, Domain-0: {} }
`,
    expected: [
      '2:10 error reserved-name no qube can be called "none" — Qubes keeps this word for itself',
      '2:20 error reserved-name no qube can be called "default" — Qubes keeps this word for itself',
      '2:33 error reserved-name Domain-0 is not managed — qstate manages qubes; their host it leaves alone',
    ],
  },
  {
    reason: 'a qube name has its letters',
    yaml: `
apiVersion: qstate/v1
qubes: { "win 10": {}, 7win: {}, "": {} }
`,
    expected: [
      '2:10 error bad-name "win 10" is not a qube name — a letter, then letters, digits, _ . or -, 31 characters at most',
      '2:24 error bad-name "7win" is not a qube name — a letter, then letters, digits, _ . or -, 31 characters at most',
      '2:34 error bad-name "" is not a qube name — a letter, then letters, digits, _ . or -, 31 characters at most',
    ],
  },
  {
    reason: 'a qube name has at most 31 characters',
    yaml: `
apiVersion: qstate/v1
qubes: { a2345678901234567890123456789012: {} }
`,
    expected: [
      '2:10 error bad-name "a2345678901234567890123456789012" is not a qube name — a letter, then letters, digits, _ . or -, 31 characters at most',
    ],
  },
  {
    reason: 'a plain no as a name is asked to be quoted',
    yaml: `
apiVersion: qstate/v1
qubes: { no: { tags: [on, "yes"] } }
`,
    expected: [
      '2:10 warning ambiguous-text the name "no" is true, false or a number to some — put it in quotes',
      '2:23 warning ambiguous-text the name "on" is true, false or a number to some — put it in quotes',
    ],
  },
  {
    reason: 'a qube is declared once over all documents',
    yaml: `
apiVersion: qstate/v1
qubes: { win: {} }
---
apiVersion: qstate/v1
qubes: { win: {} }
`,
    expected: [
      '5:10 error duplicate-qube the qube "win" is declared twice — first at spec.yaml:2:10; put everything about it in one place',
    ],
  },
  {
    reason: 'so is a profile',
    yaml: `
apiVersion: qstate/v1
profiles: { p: {} }
---
apiVersion: qstate/v1
profiles: { p: {} }
`,
    expected: [
      '5:13 error duplicate-profile the profile "p" is declared twice — first at spec.yaml:2:13; put everything about it in one place',
    ],
  },
  {
    reason: 'so is a device',
    yaml: `
apiVersion: qstate/v1
devices: { d: sys-usb+2-1:* }
---
apiVersion: qstate/v1
devices: { d: sys-usb+2-2:* }
`,
    expected: [
      '5:12 error duplicate-device the device "d" is declared twice — first at spec.yaml:2:12; put everything about it in one place',
    ],
  },
  {
    reason: 'a built-in profile stays what it is',
    yaml: `
apiVersion: qstate/v1
profiles: { windows-10: {} }
`,
    expected: [
      '2:13 error built-in-profile the profile "windows-10" is built in — give it another name; it can extend the built-in one',
    ],
  },
  {
    reason: 'a profile name has its letters',
    yaml: `
apiVersion: qstate/v1
profiles: { "my profile": {} }
`,
    expected: [
      '2:13 error bad-name "my profile" is not a profile name — a letter or digit, then letters, digits, _ . or -, 64 characters at most',
    ],
  },
  {
    reason: 'a property as Qubes spells it, where it belongs',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { virt_mode: hvm, qrexec_timeout: 60 }
`,
    expected: [
      '4:13 error unknown-key unknown key "virt_mode" — write virtMode',
      '4:29 error unknown-key unknown key "qrexec_timeout" — write qrexecTimeout',
    ],
  },
  {
    reason: 'a feature as Qubes spells it, elsewhere',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio-model: ich6
    stubdom-qrexec: true
`,
    expected: [
      '4:5 error unknown-key unknown key "audio-model" — write audio: { model: ... }',
      '5:5 error unknown-key unknown key "stubdom-qrexec" — write stubdom: { qrexec: ... }',
    ],
  },
  {
    reason: 'a setting outside of its area',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    memory: 4096
`,
    expected: ['4:5 error unknown-key unknown key "memory" — write qube: { memory: ... }'],
  },
  {
    reason: 'a slip of the finger',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memroy: 4096 }
`,
    expected: ['4:13 error unknown-key unknown key "memroy" — did you mean "memory"?'],
  },
  {
    reason: 'a feature that is not under features',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { os: Windows }
`,
    expected: [
      '4:13 error unknown-key unknown key "os" — a feature of this name goes under features, a property under properties',
    ],
  },
  {
    reason: 'an area has its nearest word',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdm: {}
`,
    expected: ['4:5 error unknown-key unknown key "stubdm" — did you mean "stubdom"?'],
  },
  {
    reason: 'a space is missing after the colon',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    { audio:ich6 }
`,
    expected: ['4:7 error unknown-key unknown key "audio:ich6" — put a space after the colon'],
  },
  {
    reason: 'what other tools call extends',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    inherits: hvm
`,
    expected: ['4:5 error unknown-key unknown key "inherits" — write extends'],
  },
  {
    reason: 'ich9 is documented but rejected',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: { model: ich9 }
`,
    expected: [
      '4:21 error unknown-model unknown audio model "ich9" — ich6 is what works; ac97, es1370 and sb16 start but are likely silent. ich9, though documented, keeps the qube from starting on Qubes 4.2 and later: libvirt rejects it',
    ],
  },
  {
    reason: 'ich7 is rejected as well',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: ich7
`,
    expected: [
      '4:12 error unknown-model unknown audio model "ich7" — ich6 is what works; ac97, es1370 and sb16 start but are likely silent. ich7 keeps the qube from starting on Qubes 4.2 and later',
    ],
  },
  {
    reason: '0 is a model to Qubes, not off',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: 0
`,
    expected: [
      '4:12 error unknown-model the number 0 is not an audio model — write off for no audio: to Qubes any other text is a model. ich6 is what works; ac97, es1370 and sb16 start but are likely silent',
    ],
  },
  {
    reason: 'so is no',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: no
`,
    expected: [
      '4:12 error unknown-model unknown audio model "no" — write off for no audio: to Qubes any other text is a model. ich6 is what works; ac97, es1370 and sb16 start but are likely silent',
    ],
  },
  {
    reason: 'a model has its nearest word',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: { model: ihc6 }
`,
    expected: [
      '4:21 error unknown-model unknown audio model "ihc6" — did you mean "ich6"? ich6 is what works; ac97, es1370 and sb16 start but are likely silent',
    ],
  },
  {
    reason: 'no model at all',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: { model: }
`,
    expected: [
      '4:14 error no-value there is no value here — expected ich6, ac97, es1370, sb16, off, inherit or unmanaged; to say nothing, leave the key out',
    ],
  },
  {
    reason: 'a model is no list',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: [ich6]
`,
    expected: [
      '4:12 error wrong-type expected text, got a list — expected ich6, ac97, es1370, sb16, off, inherit or unmanaged',
    ],
  },
  {
    reason: 'emulated cards other than hda are likely silent',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: ac97
`,
    expected: [
      '4:12 warning silent-model the audio model "ac97" is likely silent on Qubes 4.3 — there the stubdomain gives its audio backend to ich6 only',
    ],
  },
  {
    reason: 'features that nothing reads',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: { timerPeriod: 1000, latency: 10000, bufferLength: off }
`,
    expected: [
      '4:27 warning ignored-feature audio/timerPeriod is set, but no release of Qubes reads it — the documentation names it; it changes nothing',
      '4:42 warning ignored-feature audio/latency is set, but no release of Qubes reads it — the documentation names it; it changes nothing',
    ],
  },
  {
    reason: 'yes is not true',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdom: { qrexec: yes }
`,
    expected: ['4:24 error wrong-type expected true or false, got the text "yes" — write true'],
  },
  {
    reason: 'nor is 0 false: to Qubes any text of a feature is on',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdom: { qrexec: 0, linux: "0" }
`,
    expected: [
      '4:24 error wrong-type expected true or false, got the number 0 — write false',
      '4:34 error wrong-type expected true or false, got the text "0" — write false',
    ],
  },
  {
    reason: 'on and no are not either',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { debug: on, autostart: no, gui: maybe }
`,
    expected: [
      '4:20 error wrong-type expected true or false, got the text "on" — write true',
      '4:35 error wrong-type expected true or false, got the text "no" — write false',
      '4:44 error wrong-type expected true or false, got the text "maybe" — expected true, false, off, inherit or unmanaged',
    ],
  },
  {
    reason: 'a list is no truth value',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { debug: [true] }
`,
    expected: [
      '4:20 error wrong-type expected true or false, got a list — expected true, false, off, inherit or unmanaged',
    ],
  },
  {
    reason: 'the unit is not written',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: 4GiB }
`,
    expected: [
      '4:21 error wrong-type expected a whole number, got the text "4GiB" — expected a whole number from 1 to 4194304 (MiB), inherit or unmanaged; the unit is not written',
    ],
  },
  {
    reason: 'a number needs no quotes',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: "4096" }
`,
    expected: [
      '4:21 error wrong-type expected a whole number, got the text "4096" — write 4096 without quotes',
    ],
  },
  {
    reason: 'a fraction of a MiB',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: 4096.5 }
`,
    expected: [
      '4:21 error wrong-type expected a whole number, got the number 4096.5 — expected a whole number from 1 to 4194304 (MiB), inherit or unmanaged',
    ],
  },
  {
    reason: 'an octal-looking number',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { vcpus: 010 }
`,
    expected: ['4:20 error ambiguous-number 010 reads as 10 — write plain decimal digits: 10'],
  },
  {
    reason: 'an exponent',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: 4e3 }
`,
    expected: ['4:21 error ambiguous-number 4e3 reads as 4000 — write plain decimal digits: 4000'],
  },
  {
    reason: 'hexadecimal',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: 0x1000 }
`,
    expected: ['4:21 error ambiguous-number 0x1000 reads as 4096 — write plain decimal digits: 4096'],
  },
  {
    reason: 'an underscore',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: 4_096 }
`,
    expected: [
      '4:21 error wrong-type expected a whole number, got the text "4_096" — expected a whole number from 1 to 4194304 (MiB), inherit or unmanaged',
    ],
  },
  {
    reason: 'no memory at all',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: 0 }
`,
    expected: ['4:21 error out-of-range 0 is out of range — expected 1 to 4194304 MiB'],
  },
  {
    reason: 'more seconds than a program counts, and fewer than none',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { qrexecTimeout: 2147483648, shutdownTimeout: -1 }
`,
    expected: [
      '4:28 error out-of-range 2147483648 is out of range — expected 1 to 2147483647 s',
      '4:57 error out-of-range -1 is out of range — expected 1 to 2147483647 s',
    ],
  },
  {
    reason: 'memory cannot be off',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: off }
`,
    expected: [
      '4:21 error no-off memory cannot be off — write a value, inherit for the default, or unmanaged to leave it alone',
    ],
  },
  {
    reason: 'memory is at most maxmem',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { memory: 8192, maxmem: 4096 }
`,
    expected: [
      '4:21 error memory-over-maxmem memory 8192 is more than maxmem — maxmem is 4096 at spec.yaml:4:35; 0 turns balancing off, as Windows needs',
    ],
  },
  {
    reason: '+3600 silently means UTC',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { timezone: "+3600" }
`,
    expected: [
      '4:23 error bad-timezone "+3600" is not a timezone that Qubes reads — expected localtime, or seconds from UTC in digits with an optional minus; Qubes takes anything else for UTC and says nothing',
    ],
  },
  {
    reason: 'nor is it a number',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { timezone: +3600 }
`,
    expected: [
      '4:23 error bad-timezone "+3600" is not a timezone that Qubes reads — expected localtime, or seconds from UTC in digits with an optional minus; Qubes takes anything else for UTC and says nothing',
    ],
  },
  {
    reason: 'so does the name of a city',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { timezone: Europe/Berlin }
`,
    expected: [
      '4:23 error bad-timezone "Europe/Berlin" is not a timezone that Qubes reads — expected localtime, or seconds from UTC in digits with an optional minus; Qubes takes anything else for UTC and says nothing',
    ],
  },
  {
    reason: 'a user name is text',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { defaultUser: 1234 }
`,
    expected: [
      '4:26 error wrong-type expected text, got the number 1234 — expected a user name, inherit or unmanaged (as text, in quotes: "1234")',
    ],
  },
  {
    reason: 'a user name holds no colon',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { defaultUser: "user:root" }
`,
    expected: [
      '4:26 error bad-user "user:root" is not a user name — the login name of the Windows user; Qubes takes letters, digits and _ - + , . only, and no space',
    ],
  },
  {
    reason: 'a user name cannot be off',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { defaultUser: off }
`,
    expected: [
      '4:26 error no-off defaultUser cannot be off — write a value, inherit for the default, or unmanaged to leave it alone',
    ],
  },
  {
    reason: 'an empty label',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { label: "" }
`,
    expected: [
      '4:20 error empty-text label cannot be empty — write inherit for the default, or leave it out',
    ],
  },
  {
    reason: 'a label is a word',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { label: Dark Red }
`,
    expected: [
      '4:20 error bad-label "Dark Red" is not a label — red, orange, yellow, green, gray, blue, purple, black, or the name of a label of your own',
    ],
  },
  {
    reason: 'a label is told by its name, not by its number',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { label: label-3 }
`,
    expected: [
      '4:20 error bad-label "label-3" is not a label — red, orange, yellow, green, gray, blue, purple, black, or the name of a label of your own',
    ],
  },
  {
    reason: 'a kernel is no path',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { kernel: ../6.6 }
`,
    expected: [
      '4:21 error bad-kernel "../6.6" is not the name of a kernel — the name of a directory under /var/lib/qubes/vm-kernels; off for the kernel of the guest itself, which Windows needs',
    ],
  },
  {
    reason: 'a version number is text',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { kernel: 6.6 }
`,
    expected: [
      '4:21 error wrong-type expected text, got the number 6.6 — expected the name of a kernel, off, inherit or unmanaged (as text, in quotes: "6.6")',
    ],
  },
  {
    reason: 'none is no network qube',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { netvm: none }
`,
    expected: ['4:20 error not-a-qube "none" is not a qube — write off for no netvm'],
  },
  {
    reason: 'default is no network qube either',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { netvm: default }
`,
    expected: ['4:20 error not-a-qube "default" is not a qube — write inherit for the default'],
  },
  {
    reason: 'dom0 has no network',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { properties: { netvm: dom0 } }
`,
    expected: ['4:34 error no-network dom0 gives no network — name another qube, or write off'],
  },
  {
    reason: 'a qube is not its own network',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { netvm: win }
`,
    expected: ['4:20 error itself win cannot be its own netvm — name another qube, or write off'],
  },
  {
    reason: 'a virtMode has its nearest word',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { virtMode: hmv }
`,
    expected: ['4:23 error unknown-word unknown virtMode "hmv" — did you mean "hvm"?'],
  },
  {
    reason: 'text is printable ASCII',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdom: { qemuExtraArgs: "-name ü" }
`,
    expected: [
      '4:31 error not-printable the text holds a character that Qubes does not accept here — only printable ASCII: letters, digits, punctuation and spaces',
    ],
  },
  {
    reason: 'an unusual video model',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdom: { videoModel: qxl }
`,
    expected: [
      '4:28 warning unusual-model unusual video model "qxl" — vga is the default, cirrus helps some old Windows, none is no screen; others may keep the qube from starting',
    ],
  },
  {
    reason: 'a value is missing',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { netvm: ~, memory: }
`,
    expected: [
      '4:20 error no-value there is no value here — expected the name of a qube, off, inherit or unmanaged; to say nothing, leave the key out',
      '4:23 error no-value there is no value here — expected a whole number from 1 to 4194304 (MiB), inherit or unmanaged; to say nothing, leave the key out',
    ],
  },
  {
    reason: 'numbers that are not what they seem',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { a: 0755, b: 1e3, c: 0o17, d: .5, e: 1.50, f: 12345678901234567890 } }
`,
    expected: [
      '4:28 error ambiguous-number 0755 reads as 755 — write "0755" if this text is meant',
      '4:37 error ambiguous-number 1e3 reads as 1000 — write "1e3" if this text is meant',
      '4:45 error ambiguous-number 0o17 reads as 15 — write "0o17" if this text is meant',
      '4:54 error ambiguous-number .5 reads as 0.5 — write ".5" if this text is meant',
      '4:61 error ambiguous-number 1.50 reads as 1.5 — write "1.50" if this text is meant',
      '4:70 error ambiguous-number 12345678901234567890 is too large to be kept exactly — write "12345678901234567890" if this text is meant',
    ],
  },
  {
    reason: 'texts that are not what they seem',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { a: yes, b: 1_000, c: 2024-01-31, d: 12:30, e: .inf } }
`,
    expected: [
      '4:28 error ambiguous-text "yes" is plain text in YAML 1.2, and true or false in older ones — write true or false, or put it in quotes if the text is meant',
      '4:36 error ambiguous-text "1_000" is a number or a date to some — put it in quotes if the text is meant',
      '4:46 error ambiguous-text "2024-01-31" is a number or a date to some — put it in quotes if the text is meant',
      '4:61 error ambiguous-text "12:30" is a number or a date to some — put it in quotes if the text is meant',
      '4:71 error wrong-type the number .inf cannot stand here — expected text, a number, true, false, off, inherit or unmanaged; put it in quotes if the text ".inf" is meant',
    ],
  },
  {
    reason: 'a feature that has a setting is held to it',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { audio-model: ich9, stubdom-qrexec: 2 } }
`,
    expected: [
      '4:38 error unknown-model unknown audio model "ich9" — ich6 is what works; ac97, es1370 and sb16 start but are likely silent. ich9, though documented, keeps the qube from starting on Qubes 4.2 and later: libvirt rejects it',
      '4:60 error wrong-type expected true or false, got the number 2 — expected true, false, off, inherit or unmanaged',
    ],
  },
  {
    reason: 'one address for everything',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: { model: ich6 }
    qube: { memory: 4096, features: { audio-model: off }, properties: { memory: 2048 } }
`,
    expected: [
      '5:52 error said-twice audio/model is set twice here — first at spec.yaml:4:21; keep one of them',
      '5:81 error said-twice qube/memory is set twice here — first at spec.yaml:5:21; keep one of them',
    ],
  },
  {
    reason: 'the own record of qstate',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { qstate.applied: x } }
`,
    expected: [
      '4:25 error reserved-name the feature "qstate.applied" is qstate\'s own record — no manifest sets it',
    ],
  },
  {
    reason: 'internal hides a qube',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { internal: true } }
`,
    expected: [
      '4:25 error reserved-name the feature "internal" is not set by manifests — it hides a qube from menus and tools, and Qubes sets it itself',
    ],
  },
  {
    reason: 'a feature name has its letters',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { "a b": 1 } }
`,
    expected: ['4:25 error bad-name "a b" is not a feature name — letters, digits, _ . and -, 4096 at most'],
  },
  {
    reason: 'a feature value is not a list',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { a: [1], b: { c: 1 } } }
`,
    expected: [
      '4:28 error wrong-type a list cannot stand here — expected text, a number, true, false, off, inherit or unmanaged',
      '4:36 error missing-key the key "value" is missing — expected { value: text }',
      '4:38 error unknown-key unknown key "c" — expected value',
    ],
  },
  {
    reason: 'a feature value is printable',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { a: "tab\\there" } }
`,
    expected: [
      '4:28 error not-printable the text holds a character that Qubes does not accept here — only printable ASCII: letters, digits, punctuation and spaces',
    ],
  },
  {
    reason: 'properties that cannot be set',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { properties: { klass: AppVM, uuid: x, xid: 1, dns: 10.139.1.1, dispid: 7 } }
`,
    expected: [
      '4:27 error read-only the property "klass" cannot be set — Qubes works it out, or fixed it when the qube was made',
      '4:41 error read-only the property "uuid" cannot be set — Qubes works it out, or fixed it when the qube was made',
      '4:50 error read-only the property "xid" cannot be set — Qubes works it out, or fixed it when the qube was made',
      '4:58 error read-only the property "dns" cannot be set — Qubes works it out, or fixed it when the qube was made',
      '4:75 error read-only the property "dispid" cannot be set — Qubes works it out, or fixed it when the qube was made',
    ],
  },
  {
    reason: 'devices_denied has a place of its own',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { properties: { devices_denied: u080650 } }
`,
    expected: [
      '4:27 error reserved-name denied devices have a place of their own — write usb: { denied: [u080650] }',
    ],
  },
  {
    reason: 'a property name has its letters',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { properties: { Default-User: x } }
`,
    expected: [
      '4:27 error bad-name "Default-User" is not a property name — small letters, digits and _, as qvm-prefs lists them',
    ],
  },
  {
    reason: 'an unknown property has no off',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { properties: { default_dispvm: off } }
`,
    expected: [
      '4:43 error no-off a property that qstate does not know has no off — write false if it is true or false, "" if it names a qube, inherit for the default',
    ],
  },
  {
    reason: 'a list of features',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: [a] }
`,
    expected: ['4:23 error wrong-type a list cannot stand here — expected a map of feature names to values'],
  },
  {
    reason: 'a text by its own name has an end, too',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { features: { a: ${'x'.repeat(5000)} } }
`,
    expected: ['4:28 error too-long the text has 5000 characters — at most 4096'],
  },
  {
    reason: 'a tag has its letters',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    tags: [win dows, 7, __proto__, a.b]
`,
    expected: [
      '4:12 error bad-name "win dows" is not a tag — letters, digits, _ and -, 4096 at most',
      '4:22 error wrong-type the number 7 cannot stand here — expected a tag; put it in quotes if the text "7" is meant',
      '4:25 error bad-name "__proto__" is not a tag — letters, digits, _ and -, 4096 at most',
      '4:36 error bad-name "a.b" is not a tag — letters, digits, _ and -, 4096 at most',
    ],
  },
  {
    reason: 'a tag that is a number to YAML keeps its text between quotes only',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    tags: { 007: true }
`,
    expected: ['4:13 error key-type a key must be text, not the number 007 — put it in quotes'],
  },
  {
    reason: 'a tag is there or not',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    tags: { windows: maybe, old: inherit }
`,
    expected: [
      '4:22 error wrong-type the text "maybe" cannot stand here — expected true, off or unmanaged',
      '4:34 error wrong-type a tag is there or it is not — expected true, off or unmanaged',
    ],
  },
  {
    reason: 'a tag twice',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    tags: [windows, windows]
`,
    expected: [
      '4:21 error said-twice tags/windows is set twice here — first at spec.yaml:4:12; keep one of them',
    ],
  },
  {
    reason: 'a profile has its nearest word',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    extends: windows-01
`,
    expected: ['4:14 error unknown-profile unknown profile "windows-01" — did you mean "windows-10"?'],
  },
  {
    reason: 'a profile extends itself',
    yaml: `
apiVersion: qstate/v1
profiles:
  a: { extends: b }
  b: { extends: c }
  c: { extends: a }
`,
    expected: ['3:17 error profile-cycle the profile "b" extends itself — by way of "b", "c", "a", "b"'],
  },
  {
    reason: 'a profile is a name',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    extends: { windows-10: true }
`,
    expected: [
      '4:14 error wrong-type a map cannot stand here — expected the name of a profile, or a list of them',
    ],
  },
  {
    reason: 'a device has its nearest word',
    yaml: `
apiVersion: qstate/v1
devices: { headset: sys-usb+2-1:* }
qubes: { win: { extends: hvm, stubdom: { qrexec: true }, usb: { hedset: auto-attach } } }
`,
    expected: ['3:65 error unknown-device unknown device "hedset" — did you mean "headset"?'],
  },
  {
    reason: 'a mode has its nearest word',
    yaml: `
apiVersion: qstate/v1
qubes: { win: { usb: { "sys-usb+2-1:*": auto, "sys-usb+2-2:*": { mode: manual } } } }
`,
    expected: [
      '2:41 error wrong-type the text "auto" cannot stand here — did you mean "auto-attach"? expected auto-attach, ask-to-attach, required, off or unmanaged',
      '2:72 error bad-value the text "manual" cannot stand here — expected auto-attach, ask-to-attach, required',
    ],
  },
  {
    reason: 'required keeps a qube from starting',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdom: { qrexec: true }
    usb: { "sys-usb+2-1:*": required }
`,
    expected: [
      '5:29 warning required-device the qube will not start while this device is absent — that is what required means; auto-attach attaches it when it is there',
    ],
  },
  {
    reason: 'nothing is inherited',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: { "sys-usb+2-1:*": inherit, "sys-usb+2-2:*": true }
`,
    expected: [
      '4:29 error no-inherit an assignment cannot be inherited — write off: the device is not assigned',
      '4:55 error wrong-type true cannot stand here — expected auto-attach, ask-to-attach, required, off or unmanaged',
    ],
  },
  {
    reason: 'a key has two parts',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys-usb+2-1", "2-1:*"]
`,
    expected: [
      '4:12 error bad-device "sys-usb+2-1" is not a USB device — expected BACKEND+PORT:IDENTITY, such as sys-usb+2-1:* or "sys-usb+*:046d:085b::u0e0100"; `qstate devices` lists them',
      '4:26 error unknown-device unknown device "2-1:*" — declare it under devices, or write BACKEND+PORT:IDENTITY',
    ],
  },
  {
    reason: 'a port is digits',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: [sys-usb+usb2:*]
`,
    expected: [
      '4:19 error bad-device the port "usb2" is not a USB port — bus and port, such as 2-1 or 2-2.1, or * for any',
    ],
  },
  {
    reason: 'neither port nor identity',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys-usb+*:*"]
`,
    expected: [
      '4:20 error bad-device neither port nor identity is given — one of the two must say which device is meant: with * for both, every device of the backend is',
    ],
  },
  {
    reason: 'hex digits are lower case',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys-usb+*:046D:085b::u0e0100", "sys-usb+*:046d:085b::u0E0100"]
`,
    expected: [
      '4:22 error bad-device the vendor "046D" of the identity is malformed — write it in lower case: 046d',
      '4:54 error bad-device the interfaces "u0E0100" of the identity are malformed — write them in lower case: u0e0100',
    ],
  },
  {
    reason: 'an identity has four parts',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys-usb+*:046d:085b"]
`,
    expected: [
      '4:22 error bad-device the identity "046d:085b" has 2 parts — expected four, VENDOR:PRODUCT:SERIAL:INTERFACES (the serial may be empty), or * for any',
    ],
  },
  {
    reason: 'a serial with what Qubes cannot name',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys-usb+*:046d:085b:A*B:u0e0100"]
`,
    expected: [
      '4:22 error bad-device the serial "A*B" of the identity is malformed — printable ASCII without spaces, +, : and *, and no seven _ in a row, 128 characters at most; Qubes itself cannot name others: name the port, with * for the identity',
    ],
  },
  {
    reason: 'a serial of underscores, which Qubes takes for an interface that is not known',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys-usb+2-1:046d:085b:A_______:u0e0100"]
`,
    expected: [
      '4:24 error bad-device the serial "A_______" of the identity is malformed — printable ASCII without spaces, +, : and *, and no seven _ in a row, 128 characters at most; Qubes itself cannot name others: name the port, with * for the identity',
    ],
  },
  {
    reason: 'interfaces are u and six digits',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys-usb+*:046d:085b::0e0100"]
`,
    expected: [
      '4:22 error bad-device the interfaces "0e0100" of the identity are malformed — each is u and six hex digits, one after the other: u030101u030000',
    ],
  },
  {
    reason: 'a backend is a qube',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys usb+2-1:*"]
`,
    expected: [
      '4:12 error bad-device the backend "sys usb" is not a qube name — the qube with the USB controller, such as sys-usb',
    ],
  },
  {
    reason: 'a port that YAML takes for a number',
    yaml: `
apiVersion: qstate/v1
devices: { d: { backend: sys-usb, port: 2.1 } }
`,
    expected: [
      '2:41 error wrong-type the number 2.1 cannot stand here — expected a port such as 2-1 or "2-2.1", or "*"; put it in quotes if the text "2.1" is meant',
    ],
  },
  {
    reason: 'a device of nothing',
    yaml: `
apiVersion: qstate/v1
devices: { a: { backend: sys-usb }, b: { port: 2-1 }, c: 5 }
`,
    expected: [
      '2:15 error bad-device neither port nor identity is given — one of the two must say which device is meant: with * for both, every device of the backend is',
      '2:40 error missing-key the key "backend" is missing — expected { backend, port, identity }',
      '2:58 error wrong-type the number 5 cannot stand here — expected { backend, port, identity } or BACKEND+PORT:IDENTITY; put it in quotes if the text "5" is meant',
    ],
  },
  {
    reason: 'a device in parts, each wrong',
    yaml: `
apiVersion: qstate/v1
devices: { a: { backend: sys-usb, port: two, identity: "046d" } }
`,
    expected: [
      '2:41 error bad-device the port "two" is not a USB port — bus and port, such as 2-1 or 2-2.1, or * for any',
      '2:56 error bad-device the identity "046d" has one part — expected four, VENDOR:PRODUCT:SERIAL:INTERFACES (the serial may be empty), or * for any',
    ],
  },
  {
    reason: 'words that are no device',
    yaml: `
apiVersion: qstate/v1
devices: { denied: sys-usb+2-1:*, off: sys-usb+2-2:*, auto-attach: sys-usb+2-3:* }
`,
    expected: [
      '2:12 error reserved-name no device can be called "denied" — this word says something else under usb',
      '2:35 error reserved-name no device can be called "off" — this word says something else under usb',
      '2:55 error reserved-name no device can be called "auto-attach" — this word says something else under usb',
    ],
  },
  {
    reason: 'one device under two names',
    yaml: `
apiVersion: qstate/v1
devices: { a: sys-usb+2-1:*, b: { backend: sys-usb, port: 2-1 } }
qubes: { win: { stubdom: { qrexec: true }, usb: [a, b] } }
`,
    expected: [
      '3:53 error device-twice "b" is the same device as "a" — first at spec.yaml:3:50; keep one of them',
    ],
  },
  {
    reason: 'a denied interface is a pattern',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: { denied: [u08065, U080650, "mass storage"] }
`,
    expected: [
      '4:21 error bad-interface "u08065" is not an interface that can be denied — expected a class (u USB, b block, m microphone, p PCI, * any) and six hex digits, * for any digit: u080650, u03****, m******',
      '4:29 error bad-interface "U080650" is not an interface that can be denied — write it in lower case: u080650',
      '4:38 error bad-interface "mass storage" is not an interface that can be denied — expected a class (u USB, b block, m microphone, p PCI, * any) and six hex digits, * for any digit: u080650, u03****, m******',
    ],
  },
  {
    reason: 'an interface of an assigned device is denied',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdom: { qrexec: true }
    usb:
      "sys-usb+*:0b0e:0412::u010100u030000": auto-attach
      denied: [u03****]
`,
    expected: [
      '7:16 error denied-device this denies an interface of an assigned device — sys-usb+*:0b0e:0412::u010100u030000 at spec.yaml:6:7 has u030000; give up one of the two',
    ],
  },
  {
    reason: 'denied in a list',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: [denied]
`,
    expected: ['4:11 error unknown-device "denied" is not a device — to deny interfaces, write usb as a map'],
  },
  {
    reason: 'two qubes take one device',
    yaml: `
apiVersion: qstate/v1
qubes:
  a: { stubdom: { qrexec: true }, usb: ["sys-usb+2-1:*"] }
  b: { stubdom: { qrexec: true }, usb: ["sys-usb+2-1:*"] }
`,
    expected: [
      '4:41 error contested-device b and a both take sys-usb+2-1:* by themselves — a does at spec.yaml:3:41; make one of the two ask-to-attach',
    ],
  },
  {
    reason: 'two qubes take what may be one device',
    yaml: `
apiVersion: qstate/v1
qubes:
  a: { stubdom: { qrexec: true }, usb: ["sys-usb+2-1:*"] }
  b: { stubdom: { qrexec: true }, usb: ["sys-usb+*:0b0e:0412::u030000"] }
`,
    expected: [
      '4:41 warning overlapping-devices b and a may both take one device by themselves: sys-usb+*:0b0e:0412::u030000, and sys-usb+2-1:* at spec.yaml:3:41 — they meet only while that device is in that port, where Qubes asks the user; with ask-to-attach in one of the two they never do',
    ],
  },
  {
    reason: 'USB without a word about qrexec',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    usb: ["sys-usb+2-1:*"]
`,
    expected: [
      '4:11 warning usb-without-qrexec nothing here says that the stubdomain has qrexec — write stubdom: { qrexec: true }, unless the guest has USB support of its own',
    ],
  },
  {
    reason: 'nothing of the emulated machine without hvm',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { virtMode: pvh }
    audio: ich6
    slic: host
    stubdom: { qrexec: true }
    usb: ["sys-usb+2-1:*"]
`,
    expected: [
      '5:12 error needs-hvm an audio model needs virtMode hvm — virtMode is pvh at spec.yaml:4:23; such a qube has no stubdomain and no emulated machine',
      '6:11 error needs-hvm slic needs virtMode hvm — virtMode is pvh at spec.yaml:4:23; such a qube has no stubdomain and no emulated machine',
      '7:24 error needs-hvm stubdom.qrexec needs virtMode hvm — virtMode is pvh at spec.yaml:4:23; such a qube has no stubdomain and no emulated machine',
      '8:11 error needs-hvm a USB device through the stubdomain needs virtMode hvm — virtMode is pvh at spec.yaml:4:23; such a qube has no stubdomain and no emulated machine',
    ],
  },
  {
    reason: 'the old stubdomain has neither',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdom: { linux: off, qrexec: true }
    audio: ich6
`,
    expected: [
      '4:36 error needs-linux-stubdom stubdom.qrexec needs the Linux stubdomain — stubdom.linux is off at spec.yaml:4:23: the old MiniOS stubdomain has neither audio nor qrexec',
      '5:12 error needs-linux-stubdom an audio model needs the Linux stubdomain — stubdom.linux is off at spec.yaml:4:23: the old MiniOS stubdomain has neither audio nor qrexec',
    ],
  },
  {
    reason: 'USB goes through qrexec',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    stubdom: { qrexec: off }
    usb: ["sys-usb+2-1:*"]
`,
    expected: [
      '5:11 error needs-stubdom-qrexec a USB device needs stubdom.qrexec — stubdom.qrexec is off at spec.yaml:4:24; USB devices reach the guest through it',
    ],
  },
  {
    reason: 'SLIC may not survive UEFI',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: host
    qube: { uefi: true }
`,
    expected: [
      '4:11 warning slic-uefi slic may not work with UEFI firmware — uefi is on at spec.yaml:5:19; there are reports that UEFI firmware does not hand the tables on as activation needs',
    ],
  },
  {
    reason: 'seamless or emulated',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { gui: true, guiEmulated: true }
`,
    expected: [
      '4:37 warning two-guis gui and guiEmulated are both on — gui is on at spec.yaml:4:18; seamless mode and the emulated screen exclude each other',
    ],
  },
  {
    reason: 'Windows Tools set these',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    extends: windows-10
    qube: { qrexecTimeout: 7200, maxmem: 8192 }
`,
    expected: [
      '5:28 warning set-by-tools Windows Tools set qrexecTimeout at every boot — a qube without a template gets 6000 from them after each logon; write 6000, or unmanaged',
      '5:42 warning memory-balanced memory is balanced between 4096 and 8192 MiB: Windows crashes when memory is taken from it — write maxmem: 0',
      '5:42 warning set-by-tools Windows Tools set maxmem at every boot — a qube without a template gets 0 from them after each logon; write 0, or unmanaged',
    ],
  },
  {
    reason: 'Windows Tools set these again',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    audio: inherit
    stubdom: { qrexec: inherit }
    qube: { timezone: inherit, noMonitorLayout: inherit }
`,
    expected: [
      '4:12 warning reset-by-tools audio/model will not stay absent: Windows Tools set it again at the next boot — off keeps it off; a value keeps that value',
      '5:24 warning reset-by-tools stubdom/qrexec will not stay absent: Windows Tools set it again at the next boot — off keeps it off; a value keeps that value',
      '6:23 warning reset-by-tools qube/features/timezone will not stay absent: Windows Tools set it again at the next boot — off keeps it off; a value keeps that value',
      '6:49 warning reset-by-tools qube/features/no-monitor-layout will not stay absent: Windows Tools set it again at the next boot — off keeps it off; a value keeps that value',
    ],
  },
  {
    reason: 'Windows 10 does not look for SLIC',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    extends: windows-10
    slic: host
`,
    expected: [
      '5:11 warning slic-unused windows-10 does not activate with SLIC — Windows 8 and later look for MSDM, which holds a product key: tables: [host:MSDM]',
    ],
  },
  {
    reason: 'a table of the host is named',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: SLIC
`,
    expected: [
      '4:11 error wrong-type the text "SLIC" cannot stand here — expected host, off, unmanaged, { file, sha256 } or { tables: [...] }',
    ],
  },
  {
    reason: 'there is nothing to inherit',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: inherit
`,
    expected: [
      '4:11 error wrong-type the text "inherit" cannot stand here — expected host, off, unmanaged, { file, sha256 } or { tables: [...] }',
    ],
  },
  {
    reason: 'a file has a digest',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { file: ./oem.bin }
`,
    expected: [
      '4:19 error missing-key the file has no sha256 beside it — expected sha256: what sha256sum ./oem.bin prints',
    ],
  },
  {
    reason: 'a digest is 64 digits',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { file: ./oem.bin, sha256: ABC }
`,
    expected: [
      '4:38 error bad-value the text "ABC" cannot stand here — expected 64 hex digits in lower case, as sha256sum prints them',
    ],
  },
  {
    reason: 'a file that cannot be read',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { file: ./gone.bin, sha256: ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff }
`,
    expected: [
      '4:19 error unreadable-file "./gone.bin" cannot be read: no such file — the path is taken from the directory of this file',
    ],
  },
  {
    reason: 'a file with another digest',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { tables: [{ file: ./oem.bin, sha256: ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff }] }
`,
    expected: [
      '4:30 error other-digest "./oem.bin" is another file than sha256 says — its digest is 0d4fc4a78d3706edccafb665a8b2fdd9309e82c78625bb0f2b8e7bb9e1c4d21c',
    ],
  },
  {
    reason: 'a table twice',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { tables: [host:SLIC, host:MSDM, host:MSDM] }
`,
    expected: [
      '4:33 warning msdm-table host:MSDM hands the product key of this machine to the qube — the key is a secret of the machine; several tables in one are experimental on Qubes',
      '4:44 error table-twice the table "host:MSDM" is here twice — keep one of them',
      '4:44 warning msdm-table host:MSDM hands the product key of this machine to the qube — the key is a secret of the machine; several tables in one are experimental on Qubes',
    ],
  },
  {
    reason: 'an unknown table',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { tables: [host:SLCI] }
`,
    expected: [
      '4:22 error wrong-type the text "host:SLCI" cannot stand here — did you mean "host:SLIC"? expected host:SLIC, host:MSDM or { file, sha256 }',
    ],
  },
  {
    reason: 'no tables',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { tables: [] }
`,
    expected: [
      '4:21 error empty a list with nothing in it — expected a list of tables: host:SLIC, host:MSDM, { file, sha256 }',
    ],
  },
  {
    reason: 'a file and tables',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { file: ./oem.bin, tables: [host:SLIC] }
`,
    expected: [
      '4:19 error file-and-tables there is a list of tables and a file beside it — write the file as one of the tables',
    ],
  },
  {
    reason: 'neither of them',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: {}
`,
    expected: [
      '4:11 error missing-key neither file nor tables is given — expected file and sha256, or tables; slic: off for none',
    ],
  },
  {
    reason: 'a product key is a secret',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    slic: { tables: [host:MSDM] }
`,
    expected: [
      '4:22 warning msdm-table host:MSDM hands the product key of this machine to the qube — the key is a secret of the machine; several tables in one are experimental on Qubes',
    ],
  },
  {
    reason: 'a selector says what it matches',
    yaml: `
apiVersion: qstate/v1
select: [{ audio: ich6 }]
`,
    expected: ['2:10 error missing-key the key "match" is missing — which qubes: tag, name or class'],
  },
  {
    reason: 'a match has a condition',
    yaml: `
apiVersion: qstate/v1
select: [{ match: {}, audio: ich6 }]
`,
    expected: [
      '2:19 error empty a map with nothing in it — expected a map with at least one of tag, name, class',
    ],
  },
  {
    reason: 'a class has its nearest word',
    yaml: `
apiVersion: qstate/v1
select: [{ match: { class: AppVm, tags: x } }]
`,
    expected: [
      '2:28 error bad-value the text "AppVm" cannot stand here — did you mean "AppVM"? expected AppVM, DispVM, RemoteVM, StandaloneVM or TemplateVM',
      '2:35 error unknown-key unknown key "tags" — did you mean "tag"?',
    ],
  },
  {
    reason: 'a pattern has only * and ?',
    yaml: `
apiVersion: qstate/v1
select: [{ match: { name: "win-[0-9]", tag: "a b" } }]
`,
    expected: [
      '2:27 error bad-value the text "win-[0-9]" cannot stand here — expected a name in which * stands for any text and ? for one character',
      '2:45 error bad-value the text "a b" cannot stand here — expected a tag',
    ],
  },
  {
    reason: 'a selector is checked on its own',
    yaml: `
apiVersion: qstate/v1
select: [{ match: { tag: w }, audio: ich6, qube: { virtMode: pvh } }]
`,
    expected: [
      '2:38 error needs-hvm an audio model needs virtMode hvm — virtMode is pvh at spec.yaml:2:62; such a qube has no stubdomain and no emulated machine',
    ],
  },
  {
    reason: 'a label and a template have no default to go back to',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube: { label: inherit, properties: { template: inherit } }
`,
    expected: [
      '4:20 error no-default label has no default to inherit — write a value, or unmanaged to leave it alone',
      '4:53 error no-default template has no default to inherit — write a value, or unmanaged to leave it alone',
    ],
  },
  {
    reason: 'another spelling of a property than Qubes keeps',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube:
      properties:
        template_for_dispvms: 1
        provides_network: "0"
        backup_timestamp: "0123"
        ip6: "FD09:24ef::0:5"
`,
    expected: [
      '6:31 error wrong-type a property that is on or off is written true or false — without quotes',
      '7:27 error wrong-type a property that is on or off is written true or false — without quotes',
      '8:27 error wrong-type this property is a number, which Qubes keeps in plain digits — digits, without sign, zeros before them or underscores',
      '9:14 error bad-address Qubes keeps this address in another spelling — write "fd09:24ef::5"',
    ],
  },
  {
    reason: 'what Qubes would keep in another spelling, or not at all',
    yaml: `
apiVersion: qstate/v1
qubes:
  win:
    qube:
      qrexecTimeout: 0
      features: { service.meminfo-writer: true, preload-dispvm: 2 }
      properties: { provides_network: "yes", mac: "00:16:3E:AA:BB:CC" }
    tags: [created-by-dom0, audiovm-sys-audio, relayvm-sys-relay]
`,
    expected: [
      '5:22 error out-of-range 0 is out of range — expected 1 to 2147483647 s',
      '6:19 error reserved-name the feature "service.meminfo-writer" is not set by manifests — Qubes turns it into maxmem and removes it: write qube: { maxmem: 0 }',
      '6:49 error reserved-name the feature "preload-dispvm" is not set by manifests — Qubes keeps it for itself',
      '7:39 error wrong-type a property that is on or off is written true or false — without quotes',
      '7:51 error bad-mac this is no MAC address as Qubes keeps one — six pairs of small hex digits, as in "00:16:3e:5e:6c:00"',
      '8:12 error reserved-name the tag "created-by-dom0" is not set by manifests — Qubes sets it itself, from who made the qube and from its properties',
      '8:29 error reserved-name the tag "audiovm-sys-audio" is not set by manifests — Qubes sets it itself, from who made the qube and from its properties',
      '8:48 error reserved-name the tag "relayvm-sys-relay" is not set by manifests — Qubes sets it itself, from who made the qube and from its properties',
    ],
  },
  {
    reason: 'creating says what it makes, in these words',
    yaml: `
apiVersion: qstate/v1
qubes:
  win: { ensure: gone }
  win-a: { ensure: { class: DispVM, label: red } }
  win-b: { ensure: { label: "12", size: 60GiB } }
  win-c: { ensure: }
  win-d: { ensure: true }
  win-e: { ensure: { label: "red name=dom0" } }
  win-f: { ensure: { template: "no such", label: red } }
`,
    expected: [
      '3:18 error wrong-type the text "gone" cannot stand here — expected present, absent, or a map of class, label, template, root and private',
      '4:29 error bad-value the text "DispVM" cannot stand here — expected StandaloneVM, AppVM or TemplateVM',
      '5:29 error bad-value the text "12" cannot stand here — expected a label such as red',
      '5:35 error unknown-key unknown key "size" — expected class, label, private, root or template',
      '6:12 error no-value there is no value here — expected present, absent, or a map of class, label, template, root and private, or leave the key out',
      '7:20 error wrong-type true cannot stand here — expected present, absent, or a map of class, label, template, root and private',
      '8:29 error bad-value the text "red name=dom0" cannot stand here — expected a label such as red',
      '9:32 error bad-value the text "no such" cannot stand here — expected the name of a template',
    ],
  },
  {
    reason: 'a size of a volume has a unit',
    yaml: `
apiVersion: qstate/v1
qubes:
  win: { ensure: { label: red, root: 60, private: 20GB } }
  win-a: { ensure: { label: red, root: 0GiB, private: 1.5GiB } }
`,
    expected: [
      '3:38 error wrong-type the number 60 cannot stand here — expected a size such as 60GiB or 2048MiB; put it in quotes if the text "60" is meant',
      '3:51 error bad-value the text "20GB" cannot stand here — expected a size such as 60GiB or 2048MiB',
      '4:40 error bad-value the text "0GiB" cannot stand here — expected a size such as 60GiB or 2048MiB',
      '4:55 error bad-value the text "1.5GiB" cannot stand here — expected a size such as 60GiB or 2048MiB',
    ],
  },
  {
    reason: 'a qube is created from what its class is created from',
    yaml: `
apiVersion: qstate/v1
qubes:
  win: { ensure: { class: AppVM, label: red } }
  win-a: { ensure: { class: StandaloneVM, template: win11-template, label: red } }
  win-b: { ensure: { class: TemplateVM, template: win11-template, label: red } }
  win-c: { ensure: { template: win11-template, label: red, root: 60GiB } }
  win-d: { ensure: { template: win-d, label: red } }
`,
    expected: [
      '3:27 error ensure-template an AppVM is made from a template — write template: NAME beside it',
      '4:53 error ensure-clone a StandaloneVM is made empty here, not cloned from a template — write class: AppVM, or clone the template by hand (qvm-clone) and leave template out',
      '5:51 error ensure-clone a TemplateVM is made empty here, not cloned from a template — write class: AppVM, or clone the template by hand (qvm-clone) and leave template out',
      '6:66 error ensure-root the root volume of an AppVM is that of its template — leave root out; its private volume can have a size',
      '7:20 error itself win-d cannot be its own template — name another qube',
    ],
  },
  {
    reason: 'a qube is created with a label, wherever it is said',
    yaml: `
apiVersion: qstate/v1
profiles:
  standalone: { ensure: { root: 60GiB } }
qubes:
  win: { ensure: present }
  win-a: { extends: standalone }
  win-b: { extends: standalone, qube: { label: red } }
  win-c: { ensure: present, qube: { label: { value: "1" } } }
`,
    expected: [
      '3:25 error ensure-label a qube is created with a label — write label: COLOUR, in ensure or under qube',
      '5:18 error ensure-label a qube is created with a label — write label: COLOUR, in ensure or under qube',
      '8:44 error bad-label "1" is not a label — red, orange, yellow, green, gray, blue, purple, black, or the name of a label of your own',
    ],
  },
  {
    reason: 'a selector creates no qube, through a profile neither',
    yaml: `
apiVersion: qstate/v1
profiles:
  standalone: { ensure: { label: red } }
select:
  - match: { tag: windows }
    ensure: present
  - match: { tag: office }
    extends: standalone
`,
    expected: [
      '3:25 error ensure-select a selector matches qubes that are there: it creates none, and removes none — write it for the qube itself, under qubes',
      '6:13 error ensure-select a selector matches qubes that are there: it creates none, and removes none — write it for the qube itself, under qubes',
    ],
  },
  {
    reason: 'a profile and a selector remove no qube',
    yaml: `
apiVersion: qstate/v1
profiles:
  gone: { ensure: absent }
qubes:
  win: { extends: gone }
select:
  - match: { tag: windows }
    ensure: absent
`,
    expected: [
      '3:19 error ensure-absent a profile removes no qube — write ensure: absent for the qube itself, under qubes',
      '8:13 error ensure-select a selector matches qubes that are there: it creates none, and removes none — write it for the qube itself, under qubes',
    ],
  },
  {
    reason: 'a qube that was renamed has one former name, and the spec has it by its new one',
    yaml: `
apiVersion: qstate/v1
moved:
  - { from: win7, to: win7-oem }
  - { from: win7, to: win8 }
  - { from: old, to: win7-oem }
  - { from: same, to: same }
  - { from: win8, to: win9 }
  - { from: gone, to: win7-eom }
  - { from: a, to: b }
  - { from: b, to: a }
  - { from: dom0, to: win11 }
  - { from: old, to: "win 10" }
  - { from: win10 }
qubes:
  win7-oem: {}
  win8: {}
  win9: {}
`,
    expected: [
      '4:13 error moved-twice win7 was renamed already — first at spec.yaml:3:13; keep one of them',
      '5:22 error moved-twice win7-oem has a former name already — first at spec.yaml:3:23; keep one of them',
      '6:23 error itself same cannot be its own former name — name the qube that it was before, and the one that it is now',
      '7:13 error moved-from-named the spec still names win8 — where it was renamed to win9, take win8 out of qubes; else drop this line',
      '8:23 error moved-to-unknown the spec has no qube win7-eom — did you mean "win7-oem"?',
      '9:13 error moved-in-circle a was renamed back to itself — the qube that has its name now is the end of the chain',
      '10:13 error moved-in-circle b was renamed back to itself — the qube that has its name now is the end of the chain',
      '11:13 error reserved-name dom0 is not managed — qstate manages qubes; their host it leaves alone',
      '12:22 error bad-value the text "win 10" cannot stand here — expected the name of a qube',
      '13:5 error missing-key the key "to" is missing — expected { from, to }',
    ],
  },
  {
    reason: 'a configuration has another name than before',
    yaml: `
apiVersion: qstate/v1
name: office
formerly: [home, home, office, "", 5]
`,
    expected: [
      '3:18 error said-twice "home" stands here twice — first at spec.yaml:3:12',
      '3:24 error formerly-now "office" is the name that the configuration has now — leave it out',
      '3:32 error bad-name "" is not a configuration name — a letter or digit, then letters, digits, _ . or -, 64 characters at most',
      '3:36 error wrong-type the number 5 cannot stand here — expected a name that the configuration had; put it in quotes if the text "5" is meant',
    ],
  },
  {
    reason: 'without a name nothing is taken over from another configuration',
    yaml: `
apiVersion: qstate/v1
formerly: [home]
moved: { win7: win7-oem }
`,
    expected: [
      '2:12 error formerly-unnamed a configuration without a name takes nothing over from another — write its new name: `name: …`',
      '3:8 error wrong-type a map cannot stand here — expected a list of { from, to }',
    ],
  },
  {
    reason: 'what a fleet fills in stands for nothing here, and only there is the fleet told of',
    yaml: `
apiVersion: qstate/v1
qubes:
  a: { qube: { memory: "\${memory}", vcpus: many } }
  b: { qube: { kernel: "\${kernel}" } }
  c: { audio: { audiovm: "sys-\${who}" } }
  d: { qube: { label: "\${}" } }
`,
    expected: [
      '3:24 error wrong-type expected a whole number, got the text "${memory}" — a fleet\'s file fills in ${memory} for each host: `qstate validate FILE` checks that file; expected a whole number from 1 to 4194304 (MiB), inherit or unmanaged',
      '3:44 error wrong-type expected a whole number, got the text "many" — expected a whole number from 1 to 512 (CPUs), inherit or unmanaged',
      '4:24 error bad-kernel "${kernel}" is not the name of a kernel — a fleet\'s file fills in ${kernel} for each host: `qstate validate FILE` checks that file; the name of a directory under /var/lib/qubes/vm-kernels; off for the kernel of the guest itself, which Windows needs',
      '5:26 error bad-name "sys-${who}" is not a qube name — a fleet\'s file fills in ${who} for each host: `qstate validate FILE` checks that file; a letter, then letters, digits, _ . or -, 31 characters at most',
      '6:23 error bad-label "${}" is not a label — red, orange, yellow, green, gray, blue, purple, black, or the name of a label of your own',
    ],
  },
]

for (const { reason, yaml, expected } of WRONG_SPECS) {
  test(`a wrong spec is told exactly: ${reason}`, () => {
    assert.deepEqual(answer(yaml), expected)
  })
}

test('every wrong spec has a reason of its own', () => {
  assert.equal(new Set(WRONG_SPECS.map(({ reason }) => reason)).size, WRONG_SPECS.length)
  assert.ok(WRONG_SPECS.length >= 75)
})
