/**
 * The verification page of RFC 8628. The code that a device shows is a short code, and leads to the
 * same question.
 */
export { default, generateMetadata } from '../q/page'
