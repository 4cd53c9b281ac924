/**
 * Many hosts: a rollout is a pure state machine over what hosts report; controllers, of which one is in charge, store its state and
 * write what each host is to have. It knows neither how a host is reconciled nor how its agent works, and asks little of a store.
 */
export { type Controller, type ControllerContext, controllerTurn, newController } from './controller.ts'
export { type Member, type MemberContext, memberTurn } from './member.ts'
export { StoreError } from './store.ts'
