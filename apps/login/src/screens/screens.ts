import type { Screen } from '../visit.ts'
import { linkScreens } from './activation/activation.tsx'
import { consentScreen } from './consent/consent.tsx'
import { enrolScreen } from './enrol/enrol.tsx'
import { factorScreen } from './factor/factor.tsx'
import { loginScreen } from './login/login.tsx'
import { forgetScreen, resetScreen } from './password/password.tsx'
import { passkeyScreen } from './passkey/passkey.tsx'
import { codeScreen, magicLinkScreen } from './passwordless/passwordless.tsx'
import { accountScreen, homeScreen, loggedOutScreen, logoutScreen } from './session/session.tsx'
import { socialScreen } from './social/social.tsx'
import { signUpScreen } from './sign-up/sign-up.tsx'
import { stepUpScreen } from './step-up/step-up.tsx'

/** All pages, by their paths below the base. The paths that mails lead to are those of the login box. */
export const screens: ReadonlyMap<string, Screen> = new Map(
  [
    loginScreen,
    factorScreen,
    enrolScreen,
    passkeyScreen,
    codeScreen,
    magicLinkScreen,
    forgetScreen,
    resetScreen,
    ...linkScreens,
    signUpScreen,
    socialScreen,
    homeScreen,
    accountScreen,
    logoutScreen,
    loggedOutScreen,
    stepUpScreen,
    consentScreen,
  ].map((screen) => [screen.path, screen]),
)
