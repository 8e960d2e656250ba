/** Why a command cannot do what it was asked for, in words for the person who asked. */
export class Failure extends Error {
  override readonly name = 'Failure'
}
