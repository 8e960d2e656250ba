-- Written at every limited request, and of no worth after a crash: kept out of the write-ahead log. Belongs to no environment.
-- CreateTable
CREATE UNLOGGED TABLE "Tally" (
    "key" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Tally_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "Tally_expiresAt_idx" ON "Tally"("expiresAt");
