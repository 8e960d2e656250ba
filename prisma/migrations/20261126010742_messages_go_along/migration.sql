-- what was left behind by users and tenants that are no more
DELETE FROM "Message" m WHERE "userId" IS NOT NULL AND NOT EXISTS (SELECT FROM "User" u WHERE u."vendorId" = m."vendorId" AND u.id = m."userId");
DELETE FROM "Message" m WHERE "tenantId" IS NOT NULL AND NOT EXISTS (SELECT FROM "Tenant" t WHERE t."vendorId" = m."vendorId" AND t.id = m."tenantId");

-- CreateIndex
CREATE INDEX "Message_vendorId_userId_idx" ON "Message"("vendorId", "userId");

-- CreateIndex
CREATE INDEX "Message_vendorId_tenantId_idx" ON "Message"("vendorId", "tenantId");

-- AddForeignKey
ALTER TABLE "Message" ADD CONSTRAINT "Message_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Message" ADD CONSTRAINT "Message_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;
