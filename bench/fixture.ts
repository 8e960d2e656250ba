/** What both servers and the load know of each other. */
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
