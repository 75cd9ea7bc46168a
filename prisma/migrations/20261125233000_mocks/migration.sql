-- AlterTable
ALTER TABLE "execution_values" ADD COLUMN     "mocks" JSON;
