import { translated } from '../../texts.ts'

export const texts = translated(
  {
    title: 'You are logged in',
    as: (who: string) => `You are logged in as ${who}.`,
    in: (name: string) => `Your account: ${name}`,
    choose: 'Choose an account',
    goOn: 'To the application',
    logOut: 'Log out',
    out: 'You are logged out',
    outText: 'You can close this page now.',
    wantOut: 'Log out of this browser?',
  },
  {
    title: 'Sie sind angemeldet',
    as: (who: string) => `Sie sind als ${who} angemeldet.`,
    in: (name: string) => `Ihr Konto: ${name}`,
    choose: 'Konto wählen',
    goOn: 'Zur Anwendung',
    logOut: 'Abmelden',
    out: 'Sie sind abgemeldet',
    outText: 'Sie können diese Seite jetzt schließen.',
    wantOut: 'Von diesem Browser abmelden?',
  },
)
