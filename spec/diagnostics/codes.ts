import { SPEC_CODES } from './spec-codes.ts'

/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  error: 1,
  changes: 2,
  partial: 3,
  stale: 4,
  locked: 5,
  usage: 64,
  invalidSpec: 65,
} as const

/**
 * Every code that a problem may have, by where it comes from. A code is in one domain, and the domain says with which exit
 * code a command ends that fails with it. docs/troubleshooting.md explains each.
 */
export const CODES = {
  /** What an apply could not do, beyond what the host said to a call. */
  apply: {
    exit: EXIT.error,
    codes: [
      'device-in-use',
      'fail-fast',
      'no-qrexec',
      'no-qube',
      'not-attached',
      'not-kept',
      'still-attached',
    ],
  },
  /** What `doctor` finds, beyond what other commands say too. */
  check: {
    exit: EXIT.error,
    codes: [
      'guest-kernel',
      'little-memory',
      'memory-balanced',
      'no-audiovm',
      'no-backend',
      'no-gui',
      'no-stubdomain-image',
      'no-usb-device',
      'no-windows-qube',
      'no-windows-tools',
      'orphan-template',
      'short-timeout',
      'template-edited',
      'template-outdated',
      'template-syntax',
      'templates-unasked',
      'volatile-state-folder',
      'windows-unknown',
      'writes-untried',
    ],
  },
  /** Documents that qstate stores: plans, generations, the memory of an agent, recorded hosts. */
  document: {
    exit: EXIT.error,
    codes: [
      'bad-file',
      'bad-host-state',
      'bad-plan',
      'damaged-generation',
      'document-damaged',
      'document-foreign',
      'document-future',
      'no-agent',
      'no-generation',
      'nothing-to-confirm',
      'other-version',
      'state-folder-denied',
      'unsafe-state-folder',
    ],
  },
  git: {
    exit: EXIT.error,
    codes: [
      'bad-credentials',
      'bad-trust',
      'git-aborted',
      'git-failed',
      'git-missing',
      'git-no-memory',
      'git-no-room',
      'git-timeout',
      'git-too-large',
    ],
  },
  /** Why an agent, or a host of a fleet, does nothing now. */
  hold: {
    exit: EXIT.error,
    codes: [
      'awaiting-confirmation',
      'backing-off',
      'conflict',
      'frozen',
      'not-confirmed',
      'observed',
      'outside-times',
      'proposed',
      'reported',
      'suspended',
      'tried-in-vain',
      'until-halted',
    ],
  },
  /** qubesd, the files of dom0, and the journal of a run. */
  host: {
    exit: EXIT.error,
    codes: [
      'aborted',
      'already-assigned',
      'already-exists',
      'daemon-error',
      'daemon-unreachable',
      'denied-by-policy',
      'file',
      'foreign-template',
      'in-use',
      'invalid-value',
      'journal',
      'malformed-answer',
      'missing-table',
      'no-such-qube',
      'not-assigned',
      'not-running',
      'recorded',
      'refused',
      'request-too-large',
      'service-error',
      'service-missing',
      'service-outdated',
      'table-too-large',
      'table-unavailable',
      'timeout',
      'unknown-feature',
      'unknown-label',
      'unknown-property',
      'unknown-qube',
      'unknown-tag',
      'unsupported-version',
      'unusable-table',
    ],
  },
  /** What keeps a setting, or a whole qube, from being planned. */
  plan: {
    exit: EXIT.error,
    codes: [
      'changed-since',
      'foreign-record',
      'moved-still-there',
      'needs-halted',
      'never-effective',
      'no-disposables',
      'no-network-provided',
      'no-template',
      'no-way-back',
      'not-managed',
      'other-configuration',
      'partial-creation',
      'record-too-large',
      'removal-not-allowed',
      'removes-nothing',
      'template-left',
      'template-not-kept',
      'unidentified-qube',
      'unknown-kernel',
      'unnamed-configuration',
      'unproven-record',
      'unreadable-record',
      'unreadable-uuid',
      'unresolved-selector',
      'withdrawal-not-allowed',
      'wrong-class',
    ],
  },
  /** Told of a run, which continues. */
  notice: {
    exit: EXIT.error,
    codes: [
      'agent-at-work',
      'devices-unknown',
      'interrupted-apply',
      'mixed-origins',
      'nameless-spec',
      'no-such-file',
      'not-at-boot',
      'not-pushed',
      'not-tried',
      'other-name',
      'qubes-hidden',
      'run-in-progress',
      'tags-unknown',
    ],
  },
  /** Why a qube was not restarted, or not to its end. */
  restart: {
    exit: EXIT.error,
    codes: [
      'asleep',
      'crashed',
      'device-absent',
      'devices-in-use',
      'disposable',
      'ending',
      'held',
      'not-halted',
      'not-read',
      'not-ready',
      'own-qube',
      'start-prohibited',
    ],
  },
  /** Why a host of a fleet did not do what it was ordered, or a rollout stopped. */
  rollout: {
    exit: EXIT.error,
    codes: [
      'away',
      'forged-consent',
      'host-failed',
      'host-held',
      'never-had',
      'none-passed',
      'nothing-before',
      'old-term',
      'past-deadline',
      'stopped',
      'too-many-failures',
      'unhealthy',
    ],
  },
  lock: { exit: EXIT.locked, codes: ['locked', 'rollout-under-way', 'unconfirmed'] },
  /** What somebody wrote: specs, fleets, files of an agent, and the content of revisions. */
  spec: { exit: EXIT.invalidSpec, codes: SPEC_CODES },
  /** Something changed since the plan was made. */
  stale: { exit: EXIT.stale, codes: ['stale'] },
  /** The store of a fleet. */
  store: { exit: EXIT.error, codes: ['store-refused', 'store-unreachable'] },
  /** What the operating system refuses. */
  system: {
    exit: EXIT.error,
    codes: [
      'cannot-keep',
      'cannot-listen',
      'file-exists',
      'no-simulator',
      'not-armed',
      'system-error',
      'unreadable-key',
      'unwritable',
    ],
  },
  usage: {
    exit: EXIT.usage,
    codes: [
      'bad-commit',
      'bad-consent',
      'bad-option',
      'bad-revision',
      'half-a-cluster',
      'invalid-target',
      'key-exists',
      'needs-allow-remove',
      'needs-yes',
      'no-agent-file',
      'no-certificate',
      'no-controllers',
      'no-fleet-given',
      'no-host-name',
      'no-rollout',
      'no-socket',
      'no-spec-given',
      'no-such-target',
      'nobody-to-ask',
      'not-a-key',
      'not-a-plan',
      'not-empty',
      'not-now',
      'not-reversible',

      'too-many-files',
      'touches-own-qube',
      'unknown-command',
      'unknown-schema',
      'unknown-shell',
      'usage',
    ],
  },
} as const

export type Domain = keyof typeof CODES

export type CodeOf<D extends Domain> = (typeof CODES)[D]['codes'][number]

/** A stable word for programs. */
export type Code = CodeOf<Domain>

const DOMAINS: ReadonlyMap<string, Domain> = new Map(
  (Object.keys(CODES) as Domain[]).flatMap((domain) => CODES[domain].codes.map((code) => [code, domain])),
)

export const isCode = (word: string): word is Code => DOMAINS.has(word)

export function domainOf(code: Code): Domain {
  const domain = DOMAINS.get(code)
  if (domain === undefined) throw new Error(`the code ${code} is in no domain`)
  return domain
}

/** With what a command ends that fails with this code. */
export const exitCodeOf = (code: Code): number => CODES[domainOf(code)].exit
