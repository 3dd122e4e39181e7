/**
 * What has to be there when a page could not be made, and with it nothing else: in both languages,
 * for the error page alone.
 */
export const trouble = {
  en: {
    somethingBroke: 'Something broke on our side.',
    reference: 'Ref {id}',
    tryAgain: 'Try again',
  },
  zh: {
    somethingBroke: '服务出错了。',
    reference: '编号 {id}',
    tryAgain: '重试',
  },
} as const
