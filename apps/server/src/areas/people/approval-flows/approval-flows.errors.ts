import { failure } from '../../../kernel/errors.ts'

export const approvalErrors = {
  flowNotFound: failure(404, 'ER-00004', 'Approval flow not found'),
  ofEnvironment: failure(
    403,
    'computed',
    'This approval flow belongs to the environment and cannot be changed by an account',
  ),
  tooManyFlows: failure(400, 'computed', 'There are too many approval flows'),
  inactive: failure(400, 'computed', 'The approval flow is not active'),
  tooFewApprovers: failure(400, 'computed', 'The approval flow has fewer approvers than have to approve'),
  tooManyApprovers: failure(400, 'computed', 'The approval flow has too many approvers'),
  /** also for a link of somebody who may no longer decide */
  notFound: failure(404, 'ER-00004', 'Approval request not found'),
  decided: failure(409, 'computed', 'The approver has decided already'),
  over: failure(409, 'computed', 'The approval request is no longer open'),
}
