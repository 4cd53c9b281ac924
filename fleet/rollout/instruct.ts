import { type Phase, type RolloutState, type Said } from '../../documents/fleet/index.ts'
import { problem, type Result } from '../../spec/diagnostics/index.ts'
import { because, isEnded, isOwed, needsApproval, type Reason } from './state.ts'

export type Instruction = Exclude<Said['what'], 'start'>

/** What a person says comes to a new state, or to why it makes no sense now. Anybody may store it; the controller goes on from it. */
export function instruct(
  state: RolloutState,
  { what, by, at }: { readonly what: Instruction; readonly by: string; readonly at: string },
): Result<RolloutState> {
  const said = [...state.said, { what, by, at }]
  const no = (why: string, hint: string): Result<RolloutState> => ({
    ok: false,
    problem: problem('not-now', `${state.name}: ${why}`, hint),
  })
  const yes = (next: Partial<RolloutState>): Result<RolloutState> => ({
    ok: true,
    value: { ...state, said, ...next },
  })
  const { phase } = state
  switch (what) {
    case 'approve':
      if (phase !== 'running' && phase !== 'paused') return no(STANDS[phase], 'there is nothing to approve')
      if (!needsApproval(state))
        return no(
          'the wave under way needs no approval',
          '`qstate rollout status` shows the waves; one is approved when its turn has come',
        )
      return yes({ approved: [...state.approved, state.wave] })
    case 'pause':
      if (phase !== 'running') return no(STANDS[phase], 'only one that is running is paused')
      return yes({ phase: 'paused' })
    case 'resume':
      if (phase !== 'paused') return no(STANDS[phase], 'only one that is paused is resumed')
      return yes({ phase: 'running' })
    case 'abort':
      if (phase === 'rolled-back') return no(STANDS[phase], HAVE_IT_BACK)
      if (isEnded(state)) return no(STANDS[phase], '`qstate rollout rollback` gives hosts back what they had')
      if (phase !== 'running' && phase !== 'paused') return no(`${STANDS[phase]} already`, GOES_ON)
      return yes({ phase: 'stopping', ...saidSo(by) })
    case 'rollback':
      if (phase === 'rolled-back') return no(STANDS[phase], HAVE_IT_BACK)
      if (phase === 'rolling-back') return no(`${STANDS[phase]} already`, GOES_ON)
      if (isEnded(state) && !Object.values(state.hosts).some(isOwed))
        return no('no host has anything to be given back', 'bring them on with a new commit')
      return yes({ phase: 'stopping', rollback: true, ...(state.why === null ? saidSo(by) : {}) })
  }
}

const saidSo = (by: string): Reason => because(problem('stopped', `${by} said so`, ''))

const HAVE_IT_BACK = 'every host that was given it has what it had before'
const GOES_ON = 'wait for its end; it goes on where a controller runs: `qstate fleet controller`'

const STANDS: Readonly<Record<Phase, string>> = {
  running: 'it is running',
  paused: 'it is paused',
  stopping: 'it is stopping',
  'rolling-back': 'it is being rolled back',
  succeeded: 'it has succeeded',
  partial: 'it has ended with failures',
  aborted: 'it was aborted',
  'rolled-back': 'it was rolled back',
}
