-- CreateIndex
CREATE INDEX "Role_vendorId_tenantId_idx" ON "Role"("vendorId", "tenantId");

-- CreateIndex
CREATE INDEX "Setting_vendorId_tenantId_idx" ON "Setting"("vendorId", "tenantId");
