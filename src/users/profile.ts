import type { Prisma } from "../../generated/prisma/client.ts";
import { changesBetween } from "../audit/changes.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import { assertExpected, type Expected } from "../db/expected.ts";
import { NotFoundError } from "../errors.ts";
import { assertMayManage } from "../roles/giving.ts";
import { lockUser, visibleUser } from "./reach.ts";
import type { Profile, UpdateProfileInput } from "./schemas.ts";

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

/** What a profile's entity tag says. It has no counter: every change is later than the one before (`updateProfile`). */
export function profileVersion({ updatedAt }: Profile): number {
  return updatedAt === null ? 0 : Date.parse(updatedAt);
}

/**
 * Sets the fields that are given; `preferences` is replaced as a whole.
 * @throws NotFoundError, PermissionError; ApiError `precondition_failed`.
 */
export async function updateProfile(
  ctx: AuthedContext,
  userId: string,
  input: UpdateProfileInput,
  expected: Expected = {},
): Promise<Profile> {
  return commit(ctx, async (tx) => {
    const { id, tenantId } = await lockUser(tx, ctx, userId);
    await assertMayManage(tx, ctx, id);
    const before = await tx.userProfile.findFirst({ where: { userId, tenantId } });
    const version = profileVersion(toProfile(userId, before));
    assertExpected(expected, version);
    const data = { ...input, updatedAt: new Date(Math.max(Date.now(), version + 1)) };
    const profile = await tx.userProfile.upsert({
      where: { userId },
      create: { userId, tenantId, ...data },
      update: data,
    });
    await recordAudit(tx, ctx, {
      action: "user.profile_updated",
      resourceType: "user",
      resourceId: userId,
      tenantId,
      details: {
        fields: Object.keys(input),
        ...changesBetween(toProfile(userId, before), toProfile(userId, profile), {
          fields: Object.keys(input),
          shown: ["timezone", "language"],
        }),
      },
    });
    return toProfile(userId, profile);
  });
}

export function toProfile(userId: string, row: ProfileRow | null): Profile {
  return {
    userId,
    phone: row?.phone ?? null,
    avatarUrl: row?.avatarUrl ?? null,
    timezone: row?.timezone ?? null,
    language: row?.language ?? null,
    // The CHECK user_profiles_preferences_check holds the column to objects.
    preferences: (row?.preferences ?? {}) as Profile["preferences"],
    updatedAt: row?.updatedAt.toISOString() ?? null,
  };
}
