import { isEnded, needsApproval, type RolloutState, type Said } from './state.ts'

export type Instruction = Exclude<Said['what'], 'start'>

/** What a person says comes to a new state, or to why it makes no sense now. Anybody may store it; the controller goes on from it. */
export function instruct(
  state: RolloutState,
  { what, by, at }: { readonly what: Instruction; readonly by: string; readonly at: string },
): RolloutState | { readonly refused: string; readonly hint: string } {
  const said = [...state.said, { what, by, at }]
  const no = (refused: string, hint: string): { refused: string; hint: string } => ({ refused, hint })
  const { phase } = state
  switch (what) {
    case 'approve':
      if (phase !== 'running' && phase !== 'paused')
        return no(`it is ${phase}`, 'there is nothing to approve')
      if (!needsApproval(state))
        return no(
          'the wave under way needs no approval',
          '`qstate rollout status` shows the waves; one is approved when its turn has come',
        )
      return { ...state, said, approved: [...state.approved, state.wave] }
    case 'pause':
      if (phase !== 'running') return no(`it is ${phase}`, 'only one that is running is paused')
      return { ...state, said, phase: 'paused' }
    case 'resume':
      if (phase !== 'paused') return no(`it is ${phase}`, 'only one that is paused is resumed')
      return { ...state, said, phase: 'running' }
    case 'abort':
      if (isEnded(state))
        return no(`it has ended: ${phase}`, '`qstate rollout rollback` gives hosts back what they had')
      if (phase !== 'running' && phase !== 'paused') return no(`it is ${phase} already`, 'wait for its end')
      return { ...state, said, phase: 'stopping', why: `${by} said so` }
    case 'rollback':
      if (phase === 'rolled-back' || phase === 'rolling-back')
        return no(`it is ${phase} already`, 'wait for its end')
      return { ...state, said, phase: 'stopping', rollback: true, why: state.why ?? `${by} said so` }
  }
}
