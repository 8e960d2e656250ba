import { translated } from '../../texts.ts'

export const texts = translated(
  {
    title: 'Confirm that it is you',
    text: (who: string) => `You are logged in as ${who}. Confirm that it is you before you go on.`,
    wrong: 'The password is wrong',
    other: 'Log in as somebody else',
    again: 'Log in again',
    withPasskey: 'Confirm with a passkey',
  },
  {
    title: 'Bestätigen Sie, dass Sie es sind',
    text: (who: string) => `Sie sind als ${who} angemeldet. Bestätigen Sie, dass Sie es sind, bevor es weitergeht.`,
    wrong: 'Das Passwort ist falsch',
    other: 'Als jemand anderes anmelden',
    again: 'Noch einmal anmelden',
    withPasskey: 'Mit Passkey bestätigen',
  },
)
