-- Keeps who set each password. No row is written: the next migration fills what is not the default.
-- CreateEnum
CREATE TYPE "password_origin" AS ENUM ('own', 'tenant', 'vouched');

-- AlterTable
ALTER TABLE "users" ADD COLUMN     "password_origin" "password_origin" NOT NULL DEFAULT 'tenant';
