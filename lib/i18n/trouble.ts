/**
 * The texts of the error page, in both languages. A file of their own, because the error page loads
 * no other text.
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
