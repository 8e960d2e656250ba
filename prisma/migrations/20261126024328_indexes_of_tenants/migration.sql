-- CreateIndex
CREATE INDEX "Challenge_vendorId_tenantId_idx" ON "Challenge"("vendorId", "tenantId");

-- CreateIndex
CREATE INDEX "Session_vendorId_tenantId_idx" ON "Session"("vendorId", "tenantId");
