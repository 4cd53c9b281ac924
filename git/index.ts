/**
 * The one door to git: process, mirror, fetch, signatures, and the layout of a repository.
 * It knows nothing of the agent that uses it, and runs nothing that a repository holds.
 *
 * git is told where its repository is: the agent's is named (`--git-dir`) and never searched for; around a user's folder one is
 * searched for, and a bare one that a commit may have laid out is not taken. Whatever git starts ends with it. The mirror can be lost:
 * a new one is made beside the old one and takes its place once it is whole.
 */
export { commitTime } from './commit.ts'
export { git, gitNow, repositoryOf } from './git.ts'
export { type CommitStore, type Mirror, openClone, openMirror } from './mirror.ts'
export { type FileOrigin, originsOf, rootOf } from './origins.ts'
export { readRevision, type Revision } from './revision.ts'
export { checkSignatures, type Signed } from './signatures.ts'
