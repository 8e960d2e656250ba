-- Few: they are counted in the portal.
CREATE INDEX "User_super_idx" ON "User"("vendorId", "id") WHERE "superUser";
