import { AdminPortal, initialize } from '@frontegg/admin-portal'

const app = initialize({ contextOptions: { baseUrl: import.meta.env.VITE_BASE_URL } })
document.getElementById('portal').onclick = () => AdminPortal.show()
window.app = app
