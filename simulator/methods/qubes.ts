import {
  ascii,
  BEHAVIOUR,
  byCodePoint,
  createLabel,
  Failure,
  type Host,
  isRunning,
  type Label,
  labelName,
  labelNumber,
  permissionDenied,
  protocolError,
  type Qube,
  type QubeClass,
  qubesInOrder,
  str,
  unhandled,
  valueError,
} from '../host/index.ts'
import { inheritedFeature, read, readQube } from '../properties/index.ts'
import { addTag, featureNotFound, removeFeature, removeTag, setFeature } from '../reactions/index.ts'
import { createDisposable } from './disposables.ts'
import { create, remove } from './domains.ts'
import { kill, pause, shutdown, start, unpause } from './lifecycle.ts'
import { type Method, type MethodCall, type MethodTable } from './method.ts'

const CLASSES: readonly QubeClass[] = ['AdminVM', 'AppVM', 'DispVM', 'RemoteVM', 'StandaloneVM', 'TemplateVM']

const plain = (dest: Method['dest'], run: (call: MethodCall) => string): Method => ({
  arg: 'none',
  payload: 'none',
  dest,
  run,
})

const named = (run: (call: MethodCall) => string): Method => ({
  arg: 'some',
  payload: 'none',
  dest: 'any',
  run,
})

/** A method that answers with nothing. */
const doing =
  (run: (call: MethodCall) => void) =>
  (call: MethodCall): string => {
    run(call)
    return ''
  }

const lines = (names: readonly string[]): string => names.map((name) => `${name}\n`).join('')

/** Methods about qubes, their features and tags, and the lists a client reads first. */
export const QUBE_METHODS: MethodTable = {
  'admin.vm.List': plain('any', listQubes),
  'admin.vmclass.List': plain('admin', () => lines(CLASSES)),
  'admin.deviceclass.List': plain('admin', () => lines(['block', 'pci', 'usb'])),
  'admin.label.List': plain('admin', ({ host }) => lines(host.labels.map((label) => label.name))),
  'admin.label.Get': { ...named(({ host, arg }) => label(host, arg).color), dest: 'admin' },
  'admin.label.Index': {
    ...named(({ host, arg }) => String(labelNumber(host.labels, label(host, arg).name))),
    dest: 'admin',
  },
  'admin.label.Create': {
    arg: 'some',
    payload: 'some',
    dest: 'admin',
    run: doing(({ host, arg, payload }) => {
      createLabel(host.labels, host.release, arg, payload)
    }),
  },
  'admin.vm.CurrentState': plain('any', powerAndMemory),
  'admin.vm.Start': plain(
    'any',
    doing(({ host, dest }) => {
      start(host, dest)
    }),
  ),
  'admin.vm.Shutdown': {
    arg: 'any',
    payload: 'none',
    dest: 'any',
    run: doing(({ host, dest, arg }) => {
      const words = arg === '' ? [] : arg.split('+')
      if (!words.every((word) => word === 'force' || word === 'wait')) {
        throw protocolError('Argument must match: force, wait')
      }
      shutdown(host, dest, { force: words.includes('force'), wait: words.includes('wait') })
    }),
  },
  'admin.vm.Kill': plain(
    'any',
    doing(({ host, dest }) => {
      kill(host, dest)
    }),
  ),
  'admin.vm.Pause': plain(
    'any',
    doing(({ host, dest }) => {
      pause(host, dest)
    }),
  ),
  'admin.vm.Unpause': plain(
    'any',
    doing(({ host, dest }) => {
      unpause(host, dest)
    }),
  ),
  'admin.vm.Remove': plain(
    'any',
    doing(({ host, dest }) => {
      remove(host, dest)
    }),
  ),
  ...creations(),
  'admin.vm.CreateDisposable': createDisposable,
  ...featureMethods(),
  ...tagMethods(),
}

function listQubes({ host, source, dest }: MethodCall): string {
  // A qube sees what its policy lets it see, and there is no policy here.
  if (source.klass !== 'AdminVM') return ''
  return (dest.klass === 'AdminVM' ? qubesInOrder(host) : [dest])
    .map((qube) => {
      const uuid = str(read(host, qube, 'uuid') ?? '')
      return `${qube.name} class=${qube.klass} state=${qube.state} uuid=${uuid}\n`
    })
    .join('')
}

function label({ labels, release }: Host, text: string): Label {
  if (!BEHAVIOUR[release].validatesRequests && labelNumber(labels, text) === undefined) throw valueError('')
  const name = labelName(labels, text)
  const found = labels.find((candidate) => candidate.name === name)
  if (!found) throw unhandled('no such label')
  return found
}

// The numbers of the recorded hosts, which ran without Xen. 4.4 counts the limit from `maxmem`.
function powerAndMemory({ host, dest }: MethodCall): string {
  const memory = isRunning(dest) && dest.klass !== 'RemoteVM' ? 4_194_304 : 0
  const maxmem = Number(read(host, dest, 'maxmem') ?? 0) * 1024
  const limit = memory > 0 && BEHAVIOUR[host.release].reportsMaxmemAsLimit ? maxmem : memory
  return `mem=${memory} mem_static_max=${limit} cputime=0 power_state=${dest.state}`
}

function creations(): MethodTable {
  const table: Record<string, Method> = {}
  for (const klass of CLASSES) {
    const method = (inPool: boolean): Method => ({
      arg: 'any',
      payload: 'any',
      dest: 'admin',
      run: doing(({ host, source, arg, payload }) => {
        create(host, { klass, template: arg, payload, inPool, creator: source.name })
      }),
    })
    table[`admin.vm.Create.${klass}`] = method(false)
    table[`admin.vm.CreateInPool.${klass}`] = method(true)
  }
  return table
}

function featureMethods(): MethodTable {
  const check = (find: (call: MethodCall) => string | undefined): Method =>
    named((call) => {
      const value = find(call)
      if (value === undefined) throw featureNotFound(call.dest, call.arg)
      return value
    })
  const admin = ({ host, arg }: MethodCall): string | undefined => host.qubes.get('dom0')?.features.get(arg)
  return {
    'admin.vm.feature.List': plain('any', ({ dest }) => lines([...dest.features.keys()])),
    'admin.vm.feature.Get': check(({ dest, arg }) => dest.features.get(arg)),
    'admin.vm.feature.CheckWithTemplate': check(({ host, dest, arg }) => inheritedFeature(host, dest, arg)),
    'admin.vm.feature.CheckWithNetvm': check(withNetvm),
    'admin.vm.feature.CheckWithAdminVM': check((call) => call.dest.features.get(call.arg) ?? admin(call)),
    'admin.vm.feature.CheckWithTemplateAndAdminVM': check(
      (call) => inheritedFeature(call.host, call.dest, call.arg) ?? admin(call),
    ),
    'admin.vm.feature.Set': { arg: 'some', payload: 'any', dest: 'any', run: setFeatureChecked },
    'admin.vm.feature.Remove': named(
      doing(({ host, dest, arg }) => {
        refuseInternal(arg)
        removeFeature(host, dest, arg)
      }),
    ),
  }
}

function withNetvm({ host, dest, arg }: MethodCall): string | undefined {
  const seen = new Set<Qube>()
  for (let at: Qube | undefined = dest; at && !seen.has(at); at = readQube(host, at, 'netvm')) {
    const value = at.features.get(arg)
    if (value !== undefined) return value
    seen.add(at)
  }
  return undefined
}

/** A plain name and a printable value. */
function setFeatureChecked({ host, dest, arg, payload }: MethodCall): string {
  const strict = BEHAVIOUR[host.release].validatesRequests
  const wrong = strict ? protocolError : valueError
  const value = ascii(payload)
  if (value === undefined) {
    throw strict ? protocolError('Feature value contains non-ASCII characters') : unhandled('not ASCII')
  }
  if (!/^[a-zA-Z0-9_.-]+$/.test(arg)) throw wrong('feature name contains illegal characters')
  if (!/^[\x20-\x7e]*$/.test(value)) throw wrong(`${arg} value contains illegal characters`)
  refuseInternal(arg)
  setFeature(host, dest, arg, value)
  return ''
}

const INTERNAL = [
  'deferred-netvm-original',
  'preload-dispvm',
  'preload-dispvm-completed',
  'preload-dispvm-in-progress',
]

function refuseInternal(feature: string): void {
  if (!INTERNAL.includes(feature)) return
  throw permissionDenied('changing this feature is prohibited by qubes.ext.admin.AdminExtension')
}

function tagMethods(): MethodTable {
  const tagMethod = (run: (call: MethodCall) => string): Method =>
    named((call) => {
      const strict = BEHAVIOUR[call.host.release].validatesRequests
      if (strict && call.arg === '') throw new Failure('QubesInvalidTagError', 'tag cannot be empty')
      if (!/^[a-zA-Z0-9_-]*$/.test(call.arg)) {
        throw strict
          ? new Failure('QubesInvalidTagError', 'disallowed characters')
          : unhandled('tag characters')
      }
      return run(call)
    })
  const refuseCreator = ({ source, arg }: MethodCall): void => {
    if (source.klass === 'AdminVM' || !arg.startsWith('created-by-')) return
    throw permissionDenied('changing this tag is prohibited by qubes.ext.admin.AdminExtension')
  }
  return {
    'admin.vm.tag.List': plain('any', ({ dest }) => lines([...dest.tags].sort(byCodePoint))),
    'admin.vm.tag.Get': tagMethod(({ dest, arg }) => (dest.tags.has(arg) ? '1' : '0')),
    'admin.vm.tag.Set': tagMethod((call) => {
      refuseCreator(call)
      addTag(call.host, call.dest, call.arg)
      return ''
    }),
    'admin.vm.tag.Remove': tagMethod((call) => {
      refuseCreator(call)
      if (removeTag(call.host, call.dest, call.arg)) return ''
      throw new Failure('QubesTagNotFoundError', `Tag not set for domain ${call.dest.name}: ${call.arg}`)
    }),
  }
}
