// How long AWS lets temporary credentials last, in seconds.

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html */
export const sessionLength = { shortest: 900, longest: 129_600, default: 43_200 } as const;

/**
 * A role's own maximum may be lower. Role chaining (a role that a session or another role assumes) allows the default.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export const roleLength = { shortest: 900, longest: 43_200, default: 3600 } as const;
