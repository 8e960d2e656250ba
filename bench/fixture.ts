/** What the bench tells both servers. */
export interface Fixture {
  databaseUrl: string
  vendorId: string
  apiKey: string
  tenantId: string
  password: string
  emails: string[]
  privateKey: string
  publicKey: string
}
