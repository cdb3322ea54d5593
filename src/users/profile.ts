import type { Prisma } from "../../generated/prisma/client.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { NotFoundError } from "../errors.ts";
import type { Profile, UpdateProfileInput } from "./schemas.ts";
import { assertMayManage, lockUser, visibleUser } from "./scope.ts";

type ProfileRow = Prisma.UserProfileGetPayload<true>;

/** A user's profile; what was never set has its default. @throws NotFoundError */
export async function getProfile(ctx: AuthedContext, userId: string): Promise<Profile> {
  const user = await ctx.db.user.findFirst({
    where: { ...visibleUser(ctx, userId), isDeleted: false },
    select: { profile: true },
  });
  if (!user) throw new NotFoundError("user");
  return toProfile(userId, user.profile);
}

/** Sets the fields that are given; `preferences` is replaced as a whole. @throws NotFoundError, PermissionError */
export async function updateProfile(
  ctx: AuthedContext,
  userId: string,
  input: UpdateProfileInput,
): Promise<Profile> {
  const row = await ctx.db.$transaction(async (tx) => {
    const { id, tenantId } = await lockUser(tx, ctx, userId);
    await assertMayManage(tx, ctx, id);
    const profile = await tx.userProfile.upsert({
      where: { userId },
      create: { userId, tenantId, ...input },
      update: input,
    });
    await recordAudit(tx, ctx, {
      action: "user.profile_updated",
      resourceType: "user",
      resourceId: userId,
      tenantId,
      details: { fields: Object.keys(input) },
    });
    return profile;
  });
  return toProfile(userId, row);
}

function toProfile(userId: string, row: ProfileRow | null): Profile {
  return {
    userId,
    phone: row?.phone ?? null,
    avatarUrl: row?.avatarUrl ?? null,
    timezone: row?.timezone ?? "UTC",
    language: row?.language ?? "en",
    // The CHECK user_profiles_preferences_check holds the column to objects.
    preferences: (row?.preferences ?? {}) as Profile["preferences"],
    updatedAt: row?.updatedAt.toISOString() ?? null,
  };
}
