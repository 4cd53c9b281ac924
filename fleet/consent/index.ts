/**
 * Consent to the withdrawals of one host: signed when a rollout is started, judged by that host.
 */
export { type ConsentTrust, judgeConsent, signConsent } from './consent.ts'
