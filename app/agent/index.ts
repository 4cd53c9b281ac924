/**
 * The agent joined to a host: configuration file, loop, fleet membership, orders of a person. A controller runs the same loop for
 * hosts that have no agent.
 */
export { steadyClock, wallClock } from './clock.ts'

export { missingFiles, readAgentFile, readHostsFile } from './config-file.ts'
export { followedAgent, planCommit } from './followed.ts'
export { agentHost, currentTables } from './host.ts'
export { keepHost } from './keep-host.ts'
export { asOnlyAgent } from './only-agent.ts'
export { memberDisk } from './member-disk.ts'
export { closeOnFailure } from './member-store.ts'
export { acceptCommit, acceptWithdrawal, resumeAgent, suspendAgent } from './orders.ts'
export { runHostAgent } from './run-host-agent.ts'
export { type Say } from './say.ts'
