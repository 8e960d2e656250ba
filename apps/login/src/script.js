// Everything works without this script. It only makes some things easier.

/** A password can be shown, as people type fewer wrong ones then. */
for (const box of document.querySelectorAll('.secret')) {
  const input = box.querySelector('input'),
    button = document.createElement('button')
  button.type = 'button'
  button.className = 'show'
  button.setAttribute('aria-controls', input.id)
  const put = (isShown) => {
    input.type = isShown ? 'text' : 'password'
    button.textContent = isShown ? box.dataset.hide : box.dataset.show
    button.setAttribute('aria-label', isShown ? box.dataset.hideLabel : box.dataset.showLabel)
  }
  button.addEventListener('click', () => put(input.type === 'password'))
  // browsers keep only what was typed into a field for passwords from their list of old texts
  input.form.addEventListener('submit', () => put(false))
  put(false)
  box.append(button)
}

/** Codes are mailed, shown and pasted in groups. */
for (const input of document.querySelectorAll('input.code'))
  input.addEventListener('input', () => {
    const plain = input.value.replace(/[\s-]+/g, '')
    if (plain !== input.value) input.value = plain
  })

/** Passkeys and security keys: the browser asks for one, and the form sends what it has signed. */
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')

async function signed({ challenge, allowCredentials = [], ...rest }) {
  const publicKey = {
    ...rest,
    challenge: bytes(challenge),
    allowCredentials: allowCredentials.map((one) => ({ ...one, id: bytes(one.id) })),
  }
  const { id, response } = await navigator.credentials.get({ publicKey }),
    { clientDataJSON, authenticatorData, signature, userHandle } = response
  return {
    id,
    response: {
      clientDataJSON: base64url(clientDataJSON),
      authenticatorData: base64url(authenticatorData),
      signature: base64url(signature),
      ...(userHandle && { userHandle: base64url(userHandle) }),
    },
  }
}

for (const box of document.querySelectorAll('.key')) {
  const form = box.querySelector('form'),
    { assertion } = form.elements
  form.addEventListener('submit', async (event) => {
    if (assertion.value) return
    // also the guard below, as nothing is sent yet
    event.preventDefault()
    event.stopImmediatePropagation()
    try {
      assertion.value = JSON.stringify(await signed(JSON.parse(box.dataset.options)))
      form.requestSubmit()
    } catch {
      box.querySelector('[role=alert]').hidden = false
    }
  })
}

/** A second click on a button sends the form a second time, and codes and links work once. */
for (const form of document.forms)
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) return event.preventDefault()
    form.dataset.sent = 'yes'
    for (const button of form.querySelectorAll('button[type=submit]')) button.setAttribute('aria-disabled', 'true')
  })
// the browser may show the page again as it was left
addEventListener('pageshow', () => {
  for (const form of document.forms) {
    delete form.dataset.sent
    for (const button of form.querySelectorAll('button[aria-disabled]')) button.removeAttribute('aria-disabled')
  }
})

document.querySelector('.problem')?.focus()
