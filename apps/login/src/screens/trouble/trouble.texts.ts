import { translated } from '../../texts.ts'

export const texts = translated(
  {
    failed: 'Something went wrong',
    failedText: 'That is our fault, not yours. Try again in a moment.',
    trace: 'If it happens again, tell your administrator this number:',
    missing: 'Page not found',
    missingText: 'Check the address, or begin again at the login.',
    foreign: 'This form came from another page',
    foreignText: 'For your safety we did not accept it. Open the login here, and try again.',
    expired: 'This link no longer works',
    expiredText: 'Links work once, and for a limited time. Ask for another one, or log in.',
    over: 'This login has taken too long',
    overText: 'Begin again, please.',
    locked: 'Your account is locked',
    lockedText:
      'There have been too many wrong attempts. If you have an email address with us, you get a link that unlocks your account. Otherwise ask your administrator.',
    noWayBack: 'We cannot take you back to the application',
    noWayBackText:
      'Its request for this login has expired, or was made in another browser. Open the application, and begin there.',
    notEnough: 'The application asks for more',
    notEnoughText:
      'It wants a second factor, and you have none yet. Set one up in your profile first, and come back then.',
    notAllowed: 'You cannot log in here',
    notAllowedText: 'No account here lets you in. Ask your administrator.',
  },
  {
    failed: 'Etwas ist schiefgegangen',
    failedText: 'Das liegt an uns, nicht an Ihnen. Versuchen Sie es gleich noch einmal.',
    trace: 'Wenn es wieder geschieht, nennen Sie Ihrer Administration diese Nummer:',
    missing: 'Seite nicht gefunden',
    missingText: 'Prüfen Sie die Adresse oder beginnen Sie bei der Anmeldung.',
    foreign: 'Dieses Formular kam von einer anderen Seite',
    foreignText:
      'Zu Ihrer Sicherheit wurde es nicht angenommen. Öffnen Sie die Anmeldung hier und versuchen Sie es noch einmal.',
    expired: 'Dieser Link gilt nicht mehr',
    expiredText: 'Links gelten einmal und für begrenzte Zeit. Fordern Sie einen neuen an oder melden Sie sich an.',
    over: 'Diese Anmeldung hat zu lange gedauert',
    overText: 'Bitte beginnen Sie noch einmal.',
    locked: 'Ihr Konto ist gesperrt',
    lockedText:
      'Es gab zu viele falsche Versuche. Wenn wir eine E-Mail-Adresse von Ihnen haben, erhalten Sie einen Link, der Ihr Konto entsperrt. Fragen Sie sonst Ihre Administration.',
    noWayBack: 'Wir können Sie nicht zur Anwendung zurückbringen',
    noWayBackText:
      'Ihre Bitte um diese Anmeldung ist abgelaufen oder kam aus einem anderen Browser. Öffnen Sie die Anwendung und beginnen Sie dort.',
    notEnough: 'Die Anwendung verlangt mehr',
    notEnoughText:
      'Sie will einen zweiten Faktor, und Sie haben noch keinen. Richten Sie zuerst in Ihrem Profil einen ein und kommen Sie dann wieder.',
    notAllowed: 'Sie können sich hier nicht anmelden',
    notAllowedText: 'Kein Konto hier lässt Sie ein. Fragen Sie Ihre Administration.',
  },
)
