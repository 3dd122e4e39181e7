import type { Locale } from './catalogue'

/** The texts of the pages that are sent without scripts. */
export interface PlainTexts {
  brand: string
  /** An app has sent the browser here with a request that cannot be answered. */
  wrongRequest: { title: string; text: string; reason: string; home: string }
  /** The request of an app has run out, or is not of this browser. */
  lostRequest: { title: string; text: string; home: string }
  signOut: { title: string; text: string; from: string; yes: string; no: string }
}

export const PLAIN_TEXTS: Record<Locale, PlainTexts> = {
  en: {
    brand: 'qr-login',
    wrongRequest: {
      title: 'That app’s request is wrong',
      text: 'It sent you here in a way that we do not answer. Tell the people who run it.',
      reason: 'What is wrong',
      home: 'Home',
    },
    lostRequest: {
      title: 'Start again in the app',
      text: 'This sign-in has run out, or was begun in another browser.',
      home: 'Home',
    },
    signOut: {
      title: 'Sign out of this computer?',
      text: 'You will be signed out here, and of every app that you opened from here.',
      from: '{app} asks for it.',
      yes: 'Sign out',
      no: 'Stay signed in',
    },
  },
  zh: {
    brand: 'qr-login',
    wrongRequest: {
      title: '应用的请求有误',
      text: '它把你带到了这里，但请求的方式不被接受。请告诉它的管理员。',
      reason: '错误',
      home: '首页',
    },
    lostRequest: {
      title: '请回到应用重新开始',
      text: '这次登录已过期，或是在另一个浏览器里开始的。',
      home: '首页',
    },
    signOut: {
      title: '在这台电脑上退出登录？',
      text: '将退出这里，以及从这里打开的所有应用。',
      from: '由 {app} 发起。',
      yes: '退出登录',
      no: '保持登录',
    },
  },
}
